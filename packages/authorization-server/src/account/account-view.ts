import { findLogin } from '../engine/accounts.js'
import { ownerOf } from '../engine/credential-owner.js'
import type { Engine } from '../engine/engine.js'
import type { EngineParts } from '../engine/parts.js'
import { PATHS } from '../engine/paths.js'
import { formToken } from '../interaction/csrf.js'
import { connectedApp } from '../management/connected-apps.js'
import type { ConnectedApp } from '../management/management.js'
import type { AccountView, AdminView, ApiTokenView, FormView, ScopeView } from '../pages/pages.js'
import { lacksPrivilege } from '../storage/lacks-privilege.js'
import type { AccountSession } from './account-session.js'
import { upstreamAccounts } from './upstream-accounts.js'

const MOST_APPS = 500
const MOST_ROWS = 500
const MOST_EVENTS = 50

/** Makes the forms of one page: bound to this browser, this session and their path. */
type Forms = (action: string) => FormView

/** What happened before the page is shown. */
export interface AccountOutcome {
  readonly notice?: AccountView['notice']
  /** What was wrong with a new token, and whose. */
  readonly problem?:
    | { readonly provider: string; readonly kind: NonNullable<ApiTokenView['problem']> }
    | undefined
}

function describeScopes(parts: EngineParts, app: ConnectedApp): readonly ScopeView[] {
  const known = parts.resources.find(app.resource ?? '')?.scopes
  return app.scopes.map((scope) => ({ scope, description: known?.get(scope) ?? scope }))
}

function hostOf({ clientHost, clientId }: ConnectedApp): string {
  if (clientHost !== undefined) return clientHost
  return URL.canParse(clientId) ? new URL(clientId).host : ''
}

async function describeApps(
  parts: EngineParts,
  userId: string,
  forms: Forms,
): Promise<AccountView['apps']> {
  const grants = await parts.storage.grants.list({ userId, limit: MOST_APPS })
  return grants.map(connectedApp).map((app) => ({
    name: app.clientName ?? (hostOf(app) || app.clientId),
    host: hostOf(app),
    scopes: describeScopes(parts, app),
    grantedAt: app.createdAt,
    ...(app.lastUsedAt === undefined ? {} : { lastUsedAt: app.lastUsedAt }),
    revoke: forms(`apps/${app.sessionId}/revoke`),
  }))
}

async function describeCredentials(
  parts: EngineParts,
  userId: string,
  forms: Forms,
  { problem }: AccountOutcome,
): Promise<AccountView['credentials']> {
  const { credentials, issuer } = parts
  if (credentials === undefined) return []
  const owner = ownerOf(issuer, userId)
  return Promise.all(
    upstreamAccounts(parts).map(async (login) => {
      const { id, label, helpUrl, hint } = login
      const credential = await credentials.get({ provider: id, owner })
      const form = forms(`credentials/${id}/replace`)
      const own = problem?.provider === id ? problem.kind : undefined
      const remove = forms(`credentials/${id}/remove`)
      const replace = { label, helpUrl, hint, form, problem: own }
      return { label, replace, stored: credential && { updatedAt: credential.updatedAt, remove } }
    }),
  )
}

/** Tells which of the lists go on behind what the page shows. */
function cutLists(lists: {
  readonly users: readonly unknown[]
  readonly clients: readonly unknown[]
  readonly events: readonly unknown[]
}): NonNullable<AdminView['cut']> {
  const { users, clients, events } = lists
  return [
    ...(users.length > MOST_ROWS ? (['users'] as const) : []),
    ...(clients.length > MOST_ROWS ? (['clients'] as const) : []),
    ...(events.length > MOST_EVENTS ? (['events'] as const) : []),
  ]
}

/** What only an admin sees. */
async function describeAdmin(
  { storage }: EngineParts,
  ownId: string,
  forms: Forms,
): Promise<AdminView> {
  // One more than is shown tells that there are more.
  const users = await storage.users.list({ limit: MOST_ROWS + 1 })
  const clients = await storage.clients.list({ limit: MOST_ROWS + 1 })
  const events = await storage.auditTrail
    .list({ limit: MOST_EVENTS + 1 })
    .catch((error: unknown) => {
      // A role that may only add to the trail cannot read it; the rest of the page needs no more.
      if (lacksPrivilege(error)) return []
      throw error
    })
  const names = new Map(users.map(({ userId, email, name }) => [userId, email ?? name]))
  return {
    users: users.slice(0, MOST_ROWS).map(({ userId, name, email, status, role, lastLoginAt }) => ({
      ...(name === undefined ? {} : { name }),
      ...(email === undefined ? {} : { email }),
      ...(lastLoginAt === undefined ? {} : { lastLoginAt }),
      status,
      role,
      ...(status === 'suspended'
        ? { activate: forms(`users/${userId}/activate`) }
        : // Nobody locks themselves out, so that an admin is left.
          userId !== ownId && { suspend: forms(`users/${userId}/suspend`) }),
    })),
    clients: clients
      .slice(0, MOST_ROWS)
      .filter(({ active }) => active)
      .map(({ clientId, clientName, origin, lastUsedAt }) => ({
        name: clientName ?? clientId,
        clientId,
        origin,
        ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
        revoke: forms(`clients/${Buffer.from(clientId).toString('base64url')}/revoke`),
      })),
    events: events.slice(0, MOST_EVENTS).map(({ at, event, outcome, actor }) => ({
      at: at / 1000,
      event,
      outcome,
      ...(actor === undefined ? {} : { actor: names.get(actor.subject) ?? actor.subject }),
    })),
    cut: cutLists({ users, clients, events }),
    invite: forms('users/invite'),
  }
}

/** Collects what the account page shows to who is signed in. */
export async function describeAccount(
  { parts }: Engine,
  { user, uid }: AccountSession,
  browser: string,
  outcome: AccountOutcome,
): Promise<AccountView> {
  const forms: Forms = (action) => {
    const path = `${PATHS.account}/${action}`
    return { action: path, csrfToken: formToken(parts, browser, path, uid) }
  }
  const { userId, name, email, provider = '' } = user
  const isAdmin = user.role === 'admin'
  return {
    user: { name, email, provider: findLogin(parts.logins, provider)?.label ?? provider },
    isAdmin,
    apps: await describeApps(parts, userId, forms),
    credentials: await describeCredentials(parts, userId, forms, outcome),
    signOut: forms('sign-out'),
    notice: outcome.notice,
    admin: isAdmin ? await describeAdmin(parts, userId, forms) : undefined,
  }
}
