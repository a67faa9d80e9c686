import type { Interaction } from 'oidc-provider'
import { cookieNames, readCookie } from '../engine/cookies.js'
import type { Engine } from '../engine/engine.js'
import type { EndpointRequest } from '../engine/http.js'
import { PATHS } from '../engine/paths.js'
import type { ClientView, FormView } from '../pages/pages.js'
import { describeClient } from './client-view.js'
import { formToken } from './csrf.js'

/** One authorization request between its start and its answer, or a sign-in for the account page. */
export interface InteractionContext {
  readonly engine: Engine
  readonly interaction: Interaction
  /** Absent in a sign-in for the account page. */
  readonly client: ClientView | undefined
  readonly clientId: string | undefined
  readonly clientName: string | undefined
  /** Path of this interaction. */
  readonly path: string
}

/** An authorization request of an app. */
export interface AppInteraction extends InteractionContext {
  readonly client: ClientView
  readonly clientId: string
}

/** Tells whether an app waits for the answer. */
export function isOfApp(context: InteractionContext): context is AppInteraction {
  return context.client !== undefined && context.clientId !== undefined
}

/** Parameters of an authorization request that was already checked. */
export function readParam(interaction: Interaction, name: string): string {
  const value = interaction.params[name]
  return typeof value === 'string' ? value : ''
}

/** Finds an interaction by its id; `undefined` also when its client may no longer go on. */
export async function openInteraction(
  engine: Engine,
  uid: string,
): Promise<InteractionContext | undefined> {
  const interaction = await engine.provider.Interaction.find(uid)
  if (interaction === undefined) return undefined
  const path = `${PATHS.interaction}/${uid}`
  // The engine's own go back to it; it writes the whole URL.
  if (interaction.returnTo === PATHS.account) {
    return {
      engine,
      interaction,
      client: undefined,
      clientId: undefined,
      clientName: undefined,
      path,
    }
  }
  const clientId = readParam(interaction, 'client_id')
  const redirectUri = readParam(interaction, 'redirect_uri')
  const client = await engine.provider.Client.find(clientId)
  // The client was removed, or its redirect URIs have changed, since the request was checked.
  if (client === undefined || !client.redirectUriAllowed(redirectUri)) return undefined
  return {
    engine,
    interaction,
    client: describeClient(client, redirectUri),
    clientId,
    clientName: client.clientName,
    path,
  }
}

/** Tells whether the request brings the cookie of an interaction. */
export function hasInteractionCookie(
  engine: Engine,
  request: EndpointRequest,
  uid: string,
): boolean {
  const name = cookieNames(engine.parts.issuer).interaction
  return readCookie(request.headers.cookie, name) === uid
}

/** The hidden fields and the target of one form. */
export function formView(context: InteractionContext, browser: string, action: string): FormView {
  const path = `${context.path}/${action}`
  return { action: path, csrfToken: formToken(context.engine.parts, browser, path) }
}

/** Stores what the interaction led to; the engine reads it when the browser resumes. */
export async function saveResult(
  { interaction }: InteractionContext,
  result: NonNullable<Interaction['result']>,
): Promise<void> {
  // A refusal ends everything, and what was done before a sign-in may have been done by somebody else.
  const isWhole = 'error' in result || 'login' in result
  interaction.result = isWhole
    ? result
    : { ...interaction.lastSubmission, ...interaction.result, ...result }
  const seconds = interaction.exp - Math.floor(Date.now() / 1000)
  await interaction.save(Math.max(1, seconds))
}
