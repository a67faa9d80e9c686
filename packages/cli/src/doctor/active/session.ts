import type { Exchange, Probe } from '../http/prober.js'
import {
  isJsonObject,
  type JsonObject,
  textOf,
  textsOf,
  urlOf,
} from '../survey/metadata-document.js'
import { initializeRequest } from '../survey/requests.js'
import type { AuthorizationOutcome } from './authorization-outcome.js'
import { createVerifier } from './authorize.js'
import type { Browser } from './browser.js'
import type { IssuedTokens } from './revoke.js'
import { signIn } from './sign-in.js'

/** What was done with tokens. No token is in what people read of it. */
export interface Session {
  /** Why there are none. */
  readonly reason: string | undefined
  /** The answer that carried the code. */
  readonly back?: AuthorizationOutcome | undefined
  /** A code redeemed with a verifier that does not fit. */
  readonly wrongVerifier?: Exchange | undefined
  /** A code redeemed with its verifier. */
  readonly exchange?: Exchange | undefined
  readonly tokens?: JsonObject | undefined
  /** The MCP endpoint, with the access token. */
  readonly mcp?: Exchange | undefined
  /** Two refreshes with one token at once, and one more after them. */
  readonly parallel?: readonly Exchange[] | undefined
  /** A refresh that names its resource, and one that names another. */
  readonly sameResource?: Exchange | undefined
  readonly otherResource?: Exchange | undefined
}

/** What a sign-in needs. */
export interface SessionInput {
  readonly probe: Probe
  readonly browser: Browser
  readonly target: URL
  readonly metadata: JsonObject
  readonly client: { readonly id: string; readonly secret: string | undefined }
  readonly redirectUri: string
  readonly scope: string | undefined
  readonly resource: string
  /** Hears of each answer that holds tokens, also of one that should have been refused. */
  readonly onIssued: (issued: IssuedTokens) => void
}

type Fields = Readonly<Record<string, string>>

async function postToken(input: SessionInput, fields: Fields, about: string): Promise<Exchange> {
  const { client, metadata } = input
  const secret = client.secret === undefined ? {} : { client_secret: client.secret }
  const exchange = await input.probe({
    method: 'POST',
    url: textOf(metadata, 'token_endpoint') ?? '',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams({ client_id: client.id, ...secret, ...fields }).toString(),
    about,
    isFresh: true,
    isAwaited: true,
  })
  const tokens = tokensOf(exchange)
  const values = [textOf(tokens, 'refresh_token'), textOf(tokens, 'access_token')]
  const issued = values.filter((value) => value !== undefined)
  const endpoint = urlOf(metadata, 'revocation_endpoint')
  if (issued.length > 0) input.onIssued({ tokens: issued, client, endpoint })
  return exchange
}

/** Signs in and redeems the code; with `isWrong` by another verifier than that of the request. */
async function redeem(
  input: SessionInput,
  isWrong: boolean,
): Promise<{ readonly back: AuthorizationOutcome; readonly exchange: Exchange | undefined }> {
  const { browser, metadata, client, redirectUri, scope, resource } = input
  const { verifier, challenge } = createVerifier()
  const back = await signIn(browser, {
    endpoint: textOf(metadata, 'authorization_endpoint') ?? '',
    clientId: client.id,
    redirectUri,
    challenge,
    method: 'S256',
    scope,
    resource,
    isSilent: false,
    about: 'S256, to sign in',
  })
  const code = back.kind === 'back' ? back.parameters.get('code') : null
  if (code === null) return { back, exchange: undefined }
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: isWrong ? createVerifier().verifier : verifier,
    resource,
  }
  const about = isWrong ? 'code with a verifier that does not fit' : 'code with its verifier'
  return { back, exchange: await postToken(input, fields, about) }
}

function tokensOf(exchange: Exchange | undefined): JsonObject | undefined {
  const { answer } = exchange ?? {}
  return answer?.status === 200 && isJsonObject(answer.json) ? answer.json : undefined
}

function refresh(input: SessionInput, token: string, about: string, fields: Fields = {}) {
  const all = { grant_type: 'refresh_token', refresh_token: token, ...fields }
  return postToken(input, all, `refresh, ${about}`)
}

async function refreshAtOnce(input: SessionInput, token: string): Promise<readonly Exchange[]> {
  const both = await Promise.all([
    refresh(input, token, 'two at once with one token'),
    refresh(input, token, 'two at once with one token'),
  ])
  const returned = both.flatMap((each) => textOf(tokensOf(each), 'refresh_token') ?? [])
  // A server can give each use a token of its own and keep one of them; the order of answers does not say which.
  let next: Exchange | undefined
  for (const each of new Set(returned)) {
    if (tokensOf(next) === undefined) {
      next = await refresh(input, each, 'with the token that these returned')
    }
  }
  return next === undefined ? both : [...both, next]
}

/** Path of a resource that no grant of a run has. */
export const OTHER_RESOURCE_PATH = '/mcp-auth-doctor-other'

/** That resource. */
function otherResourceOf({ resource, target }: SessionInput): string {
  return new URL(OTHER_RESOURCE_PATH, URL.canParse(resource) ? resource : target).href
}

async function refreshResources(input: SessionInput, token: string) {
  const sameResource = await refresh(input, token, 'with its resource', {
    resource: input.resource,
  })
  const next = textOf(tokensOf(sameResource), 'refresh_token') ?? token
  if (tokensOf(sameResource) === undefined) return { sameResource, otherResource: undefined }
  const other = otherResourceOf(input)
  const otherResource = await refresh(input, next, 'with another resource', { resource: other })
  return { sameResource, otherResource }
}

function reasonOf(back: AuthorizationOutcome): string {
  if (back.kind === 'page' || back.kind === 'elsewhere') {
    return 'a person has to sign in there; the doctor does so by itself only at the development login of our authorization server'
  }
  return 'the sign-in gave no code, see DR-10, DR-14, DR-18 and DR-19'
}

/** Signs in with real requests and uses the tokens. */
export async function runSession(input: SessionInput): Promise<Session> {
  const wrong = await redeem(input, true)
  if (wrong.exchange === undefined) return { reason: reasonOf(wrong.back), back: wrong.back }
  const { back, exchange } = await redeem(input, false)
  const tokens = tokensOf(exchange)
  const common = { back, wrongVerifier: wrong.exchange, exchange, tokens }
  if (tokens === undefined) return { ...common, reason: 'a code could not be redeemed, see DR-10' }

  const accessToken = textOf(tokens, 'access_token') ?? ''
  const bearer = { authorization: `Bearer ${accessToken}` }
  const mcp = await input.probe({
    ...initializeRequest(input.target, 'the token of the sign-in', bearer),
    isFresh: true,
  })
  const first = textOf(tokens, 'refresh_token')
  const grants = textsOf(input.metadata, 'grant_types_supported') ?? []
  if (first === undefined || !grants.includes('refresh_token')) {
    return { ...common, mcp, reason: 'there is no refresh token, see DR-20' }
  }
  // Before the next sign-in, since some servers keep one grant of a client only.
  const parallel = await refreshAtOnce(input, first)
  // A grant of its own, since a second use of a token can end the first one.
  const second = textOf(tokensOf((await redeem(input, false)).exchange), 'refresh_token')
  const resources = second === undefined ? undefined : await refreshResources(input, second)
  return { ...common, mcp, parallel, ...resources, reason: undefined }
}
