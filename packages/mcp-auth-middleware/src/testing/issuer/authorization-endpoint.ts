import type { KnownClient } from './clients.js'
import {
  type EndpointRequest,
  type EndpointResponse,
  NO_STORE,
  Refusal,
  repeatedParameters,
} from './endpoint.js'
import type { IssuerContext } from './issuer-context.js'
import { redirectUriMatches } from './redirect-uri.js'
import { selectAudience } from './resource.js'

const S256_CHALLENGE = /^[A-Za-z0-9_-]{43}$/
const SCOPE_TOKEN = /^[!#-[\]-~]+$/

/** An error that must not be redirected, because the redirect URI is not known to be the client's. */
function answerPage(text: string): EndpointResponse {
  return {
    status: 400,
    headers: { ...NO_STORE, 'Content-Type': 'text/html; charset=utf-8' },
    body: `<!doctype html><title>Authorization refused</title><p>${text}</p>`,
  }
}

function answerRedirect(
  context: IssuerContext,
  redirectUri: string,
  parameters: Readonly<Record<string, string | undefined>>,
): EndpointResponse {
  const url = new URL(redirectUri)
  // `set`, so that parameters planted in the registered URI never win over ours.
  for (const name of ['code', 'state', 'error', 'error_description']) url.searchParams.delete(name)
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  url.searchParams.set('iss', context.issuer())
  return { status: 302, headers: { ...NO_STORE, Location: url.href } }
}

function checkCodeChallenge(parameters: URLSearchParams): string {
  const challenge = parameters.get('code_challenge') ?? ''
  // A missing method means `plain` (RFC 7636 section 4.3), which is not offered.
  if (parameters.get('code_challenge_method') !== 'S256' || !S256_CHALLENGE.test(challenge)) {
    throw new Refusal('invalid_request', 'a code challenge with method S256 is required')
  }
  return challenge
}

function selectScopes(context: IssuerContext, parameters: URLSearchParams): readonly string[] {
  const { scopes: offered } = context.settings
  const requested = (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  if (!requested.every((scope) => SCOPE_TOKEN.test(scope))) {
    throw new Refusal('invalid_scope', 'scope has a character that is not allowed')
  }
  if (requested.length === 0) return offered ?? []
  return offered === undefined ? requested : requested.filter((scope) => offered.includes(scope))
}

/** The checks whose failure the client is told about. Each is one line, in the order they are made. */
function approve(
  context: IssuerContext,
  client: KnownClient,
  redirectUri: string,
  parameters: URLSearchParams,
): string {
  if (parameters.get('response_type') === null) {
    throw new Refusal('invalid_request', 'response_type is missing')
  }
  if (parameters.get('response_type') !== 'code') {
    throw new Refusal('unsupported_response_type', 'only the response type code is offered')
  }
  const codeChallenge = checkCodeChallenge(parameters)
  const audience = selectAudience(parameters.getAll('resource'), context.settings.audience)
  const scopes = selectScopes(context, parameters)
  const nonce = parameters.get('nonce') ?? undefined
  return context.grants.issueCode({
    grant: { clientId: client.clientId, scopes, audience, nonce, tokenIds: [] },
    redirectUri,
    codeChallenge,
  })
}

/** Authorization endpoint that approves at once: there is no user and no page. */
export function answerAuthorization(
  context: IssuerContext,
  { method, query, form }: EndpointRequest,
): EndpointResponse {
  const parameters = method === 'POST' ? (form ?? new URLSearchParams()) : query
  const repeated = repeatedParameters(parameters)
  if (repeated.includes('client_id') || repeated.includes('redirect_uri')) {
    return answerPage('The client or its redirect URI is named twice.')
  }
  const client = context.clients.find(parameters.get('client_id') ?? '')
  if (client === undefined) return answerPage('The client is not registered.')
  const redirectUri = parameters.get('redirect_uri') ?? ''
  if (!client.redirectUris.some((registered) => redirectUriMatches(registered, redirectUri))) {
    return answerPage('The redirect URI is not registered for this client.')
  }

  const state = parameters.get('state') ?? undefined
  try {
    if (repeated.length > 0) throw new Refusal('invalid_request', 'a parameter is repeated')
    const code = approve(context, client, redirectUri, parameters)
    return answerRedirect(context, redirectUri, { code, state })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return answerRedirect(context, redirectUri, {
      error: String(Reflect.get(Object(error.response.body), 'error')),
      error_description: error.message,
      state,
    })
  }
}
