import type { GrantRecord } from '../storage/storage.js'
import { requireUser } from './find-user.js'
import type { ChangeOptions, ConnectedApp } from './management.js'
import { actorOf, endOfTokens, type ManagementParts } from './management-parts.js'

function textOf(value: unknown, member: string): string | undefined {
  const text: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined
  return typeof text === 'string' ? text : undefined
}

/** Scopes of a grant, without those that were refused. */
function scopesOf({ payload }: GrantRecord): readonly string[] {
  const { openid, resources, rejected } = payload as {
    readonly openid?: unknown
    readonly resources?: Readonly<Record<string, unknown>>
    readonly rejected?: { readonly resources?: Readonly<Record<string, unknown>> }
  }
  const split = (text: unknown) => (typeof text === 'string' ? text.split(' ') : [])
  const refused = new Set(Object.values(rejected?.resources ?? {}).flatMap(split))
  const given = [
    ...split(textOf(openid, 'scope')),
    ...Object.values(resources ?? {}).flatMap(split),
  ]
  return [...new Set(given)].filter((scope) => scope !== '' && !refused.has(scope))
}

/** A grant as its user and operators see it. */
export function connectedApp(grant: GrantRecord): ConnectedApp {
  const { grantKey, userId, clientId, clientName, facts, createdAt, lastUsedAt, expiresAt } = grant
  return {
    sessionId: grantKey,
    userId,
    clientId: clientId ?? '',
    // What was approved is what the person knows the app by.
    clientName: textOf(facts, 'clientName') ?? clientName,
    clientHost: textOf(facts, 'clientHost'),
    resource: textOf(facts, 'resource'),
    scopes: scopesOf(grant),
    createdAt,
    lastUsedAt,
    expiresAt,
  }
}

/** Ends one connection. `userId` limits it to those of one user. */
export function endConnection(
  parts: ManagementParts,
  sessionId: string,
  options: ChangeOptions & { readonly userId?: string | undefined } = {},
): Promise<boolean> {
  const { storage } = parts
  return storage.transaction(async () => {
    const grant = await storage.grants.find(sessionId)
    if (grant === undefined) return false
    if (options.userId !== undefined && grant.userId !== options.userId) return false
    await storage.grants.revoke(sessionId, endOfTokens(parts))
    const { userId, clientId } = grant
    await parts.record({
      event: 'session.revoke',
      outcome: 'done',
      actor: actorOf(options),
      details: {
        ...(userId === undefined ? {} : { userId }),
        ...(clientId === undefined ? {} : { clientId }),
      },
    })
    return true
  })
}

/** Ends all connections and browser sessions of a user. */
export function endConnectionsOf(
  parts: ManagementParts,
  userIdOrEmail: string,
  options?: ChangeOptions,
): Promise<number> {
  const { storage } = parts
  return storage.transaction(async () => {
    const { userId } = await requireUser(storage, userIdOrEmail)
    const sessions = await storage.grants.revokeByUser(userId, endOfTokens(parts))
    await parts.record({
      event: 'session.revoke-user',
      outcome: 'done',
      actor: actorOf(options),
      details: { userId, sessions },
    })
    return sessions
  })
}
