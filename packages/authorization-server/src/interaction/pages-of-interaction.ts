import { findLogin } from '../engine/accounts.js'
import type { ApiTokenView, UserView } from '../pages/pages.js'
import { apiTokenView } from './api-token.js'
import { requestedScopes } from './consent.js'
import {
  type AppInteraction,
  formView,
  type InteractionContext,
  isOfApp,
} from './interaction-context.js'

/** Who is signed in, as the pages show it. */
export async function describeUser(
  { engine }: InteractionContext,
  userId: string,
): Promise<UserView> {
  const { storage, logins } = engine.parts
  const user = await storage.users.find(userId)
  const provider = user?.provider ?? ''
  return {
    name: user?.name,
    email: user?.email,
    provider: findLogin(logins, provider)?.label ?? provider,
  }
}

/** The page with the ways to sign in. It names the client and needs a click, whatever follows. */
export function renderSignIn(
  context: InteractionContext,
  browser: string,
  problem?: ApiTokenView['problem'],
): string {
  const { pages, logins } = context.engine.parts
  const formOf = (id: string) => formView(context, browser, `login/${id}`)
  const redirects = logins.flatMap((login) =>
    login.kind === 'redirect' ? [{ label: login.label, form: formOf(login.id) }] : [],
  )
  const token = logins.find((login) => login.kind === 'api-token')
  const dev = logins.find((login) => login.kind === 'dev')
  return pages.signIn({
    client: context.client,
    redirects,
    apiToken:
      token === undefined
        ? undefined
        : apiTokenView(context, browser, token, `login/${token.id}`, problem),
    dev: dev === undefined ? undefined : { form: formOf(dev.id), users: dev.users },
    cancel: isOfApp(context) ? formView(context, browser, 'deny') : undefined,
  })
}

/** The page on which an upstream account is connected. */
export async function renderConnect(
  context: AppInteraction,
  browser: string,
  userId: string,
  problem?: ApiTokenView['problem'],
): Promise<string> {
  const { pages, connect } = context.engine.parts
  if (connect === undefined) throw new TypeError('there is no connect step')
  return pages.connect({
    client: context.client,
    user: await describeUser(context, userId),
    apiToken: apiTokenView(context, browser, connect.login, 'connect', problem),
    skip: connect.optional ? formView(context, browser, 'skip') : undefined,
    cancel: formView(context, browser, 'deny'),
  })
}

/** The page on which a person decides. */
export async function renderConsent(
  context: AppInteraction,
  browser: string,
  userId: string,
): Promise<string> {
  const { pages } = context.engine.parts
  const { resource, granted } = await requestedScopes(context, userId)
  return pages.consent({
    client: context.client,
    user: await describeUser(context, userId),
    resource: resource.resource,
    scopes: granted.map((scope) => ({ scope, description: resource.scopes.get(scope) ?? scope })),
    approve: formView(context, browser, 'consent'),
    deny: formView(context, browser, 'deny'),
    switchUser: formView(context, browser, 'switch'),
  })
}
