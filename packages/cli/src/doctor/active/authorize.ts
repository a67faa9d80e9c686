import { createHash, randomBytes } from 'node:crypto'
import type { Exchange } from '../http/prober.js'
import { quote, showUrl } from '../http/quote.js'
import { isJsonObject, textOf } from '../survey/metadata-document.js'
import type { AuthorizationOutcome } from './authorization-outcome.js'
import type { Browser } from './browser.js'

const MAX_HOPS = 10

/** What an authorization request is made of. Members that are `undefined` are not sent. */
export interface AuthorizationRequest {
  /** The `authorization_endpoint`. */
  readonly endpoint: string
  readonly clientId: string
  readonly redirectUri: string
  readonly challenge: string | undefined
  readonly method: 'S256' | 'plain' | undefined
  readonly scope: string | undefined
  readonly resource: string | undefined
  /** Ask for an answer without a person. */
  readonly isSilent: boolean
  /** What is special about it, for people. */
  readonly about: string
}

/** A code verifier and its S256 challenge (RFC 7636). */
export function createVerifier(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

function authorizationUrl(request: AuthorizationRequest): string {
  const url = new URL(request.endpoint)
  const parameters = {
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    code_challenge: request.challenge,
    code_challenge_method: request.method,
    scope: request.scope,
    resource: request.resource,
    state: randomBytes(12).toString('base64url'),
    prompt: request.isSilent ? 'none' : undefined,
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}

/** The parts of a request that differ between checks. */
function showRequest({
  endpoint,
  clientId,
  redirectUri,
  scope,
  method,
}: AuthorizationRequest): string {
  const parameters = [
    ['client_id', clientId],
    ['redirect_uri', redirectUri],
    ['scope', scope],
    ['code_challenge_method', method],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quote(value, 100)}`]))
  return `${showUrl(endpoint)} with ${parameters.join(', ')}`
}

function isBackAt(location: URL, redirectUri: string): boolean {
  const target = new URL(redirectUri)
  return (
    location.protocol === target.protocol &&
    location.host === target.host &&
    location.pathname === target.pathname
  )
}

function locationOf({ answer, url }: Exchange): URL | undefined {
  const refresh = /^0;\s*url=(.*)$/i.exec(answer?.headers.get('refresh') ?? '')?.[1]
  // What `fetch` sends says Sec-Fetch-Mode: cors, and better-auth answers such with the address in JSON.
  const named =
    isJsonObject(answer?.json) && answer.json.redirect === true ? answer.json : undefined
  const text = answer?.headers.get('location') ?? refresh ?? textOf(named, 'url')
  return text !== undefined && URL.canParse(text, url.href) ? new URL(text, url.href) : undefined
}

/** Follows an answer of the authorization server until a page, another host, or the redirect URI. */
export async function followAuthorization(
  browser: Browser,
  first: Exchange,
  { redirectUri, about }: Pick<AuthorizationRequest, 'redirectUri' | 'about'>,
): Promise<AuthorizationOutcome> {
  let exchange = first
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const { answer } = exchange
    if (answer === undefined) return { kind: 'unavailable', exchange }
    const location = locationOf(exchange)
    if (location === undefined) {
      if (answer.status >= 500 || answer.status === 429) return { kind: 'unavailable', exchange }
      return { kind: answer.status < 400 ? 'page' : 'refused', exchange }
    }
    if (isBackAt(location, redirectUri)) {
      return { kind: 'back', exchange, parameters: location.searchParams }
    }
    if (location.origin !== first.url.origin) return { kind: 'elsewhere', exchange }
    const shown = `${location.origin}${location.pathname}`
    exchange = await browser.request({ url: location.href, shown, about })
  }
  return { kind: 'refused', exchange }
}

/** Sends one authorization request. */
export async function authorize(
  browser: Browser,
  request: AuthorizationRequest,
): Promise<AuthorizationOutcome> {
  const { about } = request
  const first = await browser.request({
    url: authorizationUrl(request),
    shown: showRequest(request),
    about,
  })
  return followAuthorization(browser, first, request)
}
