import { type JsonObject, parseJsonObject } from '../jwt/compact-jws.js'
import { metadataUrls } from '../jwt/discovery.js'
import { fetchJson, withDeadline } from '../jwt/json-fetch.js'
import { isLoopbackUrl, remoteUrlProblem } from '../jwt/remote-url.js'
import { readBytes } from '../read-bytes.js'
import { sharesPromises } from '../runtime.js'

/** Most bytes of an introspection response after decompression. */
const MAX_RESPONSE_BYTES = 64 * 1024

/** How long discovered metadata is believed, in milliseconds. */
const METADATA_LIFETIME = 15 * 60_000

/** Time between two attempts to read the metadata while they fail, in milliseconds. */
const METADATA_BACK_OFF = 1000

/** What an introspection endpoint said about a token, or why it said nothing usable. */
export type IntrospectionResult =
  | { readonly ok: true; readonly response: JsonObject }
  | {
      readonly ok: false
      /** Short snake_case word. Says nothing about the token. */
      readonly reason: string
      readonly retryAfterSeconds: number
      /** A sentence for the operator, when only the operator can end this. */
      readonly misconfigured?: string | undefined
    }

/** How to reach one introspection endpoint and how to authenticate there. */
export interface IntrospectionClientOptions {
  readonly issuer: string
  /** Default: the `introspection_endpoint` of the issuer's metadata. */
  readonly endpoint?: string | undefined
  readonly clientId: string
  readonly clientSecret?: string | undefined
  readonly authMethod: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** Time for one call, discovery included, in milliseconds. */
  readonly timeout: number
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
}

/** Asks one authorization server about one token. Resolves also when that fails. */
export type IntrospectionClient = (token: string) => Promise<IntrospectionResult>

function failure(
  reason: string,
  misconfigured?: string,
  retryAfterSeconds = 2,
): IntrospectionResult {
  return { ok: false, reason, retryAfterSeconds, misconfigured }
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** Reads the endpoint from the first document that exists; an ill-fitting document ends the search. */
async function discoverEndpoint(
  issuer: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<string | IntrospectionResult> {
  let reason = 'metadata_unavailable'
  for (const url of metadataUrls(issuer)) {
    const result = await fetchJson(url, fetch, signal)
    if (!result.ok) {
      reason = `metadata_${result.reason}`
      continue
    }
    const { issuer: stated, introspection_endpoint: endpoint } = result.document
    // RFC 8414 section 3.3: a document of another issuer must not be used.
    if (stated !== issuer) {
      return failure(
        'metadata_issuer_mismatch',
        'its metadata names another issuer than the one configured',
      )
    }
    if (typeof endpoint === 'string' && remoteUrlProblem(endpoint) === undefined) {
      // A public issuer must not be able to point us at our own machine.
      if (isLoopbackUrl(issuer) || !isLoopbackUrl(endpoint)) return endpoint
    }
    reason = 'no_introspection_endpoint'
  }
  return failure(
    reason,
    reason === 'no_introspection_endpoint'
      ? 'its metadata names no usable introspection_endpoint; set endpoint'
      : undefined,
  )
}

/** Whole seconds of a `Retry-After`; dates and nonsense count as absent. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after')
  if (text === null || !/^\d{1,6}$/.test(text)) return undefined
  return Math.min(60, Math.max(1, Number(text)))
}

function describeStatus(
  status: number,
  error: unknown,
  retryAfterSeconds: number | undefined,
): IntrospectionResult {
  if (status === 401 || status === 403 || error === 'invalid_client') {
    return failure(
      'credential_refused',
      'its introspection endpoint refuses our own client credential; check clientId, clientSecret and authMethod',
      retryAfterSeconds,
    )
  }
  if (status === 404 || status === 405 || status === 410) {
    return failure('endpoint_not_found', 'there is no introspection endpoint at this address')
  }
  return failure('http_status', undefined, retryAfterSeconds)
}

async function readResponse(response: Response): Promise<IntrospectionResult> {
  const { status, type } = response
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    response.body?.cancel().catch(() => undefined)
    return failure('redirected', 'its introspection endpoint redirects, which is never followed')
  }
  if (status !== 200 && status !== 400) {
    response.body?.cancel().catch(() => undefined)
    return describeStatus(status, undefined, retryAfter(response))
  }
  const body = await readBytes(response.body, MAX_RESPONSE_BYTES)
  if (body === undefined) return failure('body_too_large')
  const document = parseJsonObject(body)
  if (status === 400) return describeStatus(status, document?.error, retryAfter(response))
  if (document === undefined) return failure('not_json')
  // RFC 7662 section 2.2: REQUIRED, a boolean. Anything else is no answer.
  if (typeof document.active !== 'boolean') return failure('active_invalid')
  return { ok: true, response: document }
}

/**
 * Creates the client of one introspection endpoint. It holds the deadline and the size limit, follows
 * no redirect (the token would travel along) and keeps nothing about tokens.
 *
 * @see RFC 7662 section 2 - introspection request and response
 */
export function createIntrospectionClient(
  options: IntrospectionClientOptions,
): IntrospectionClient {
  const { issuer, clientId, clientSecret = '', authMethod, fetch, now } = options
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (authMethod === 'client_secret_basic') {
    headers.authorization = `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`
  }

  let known: string | undefined
  let latest: string | IntrospectionResult | undefined
  let latestAt = Number.NEGATIVE_INFINITY
  let lifetime = 0
  let discovery: Promise<string | IntrospectionResult> | undefined

  const findEndpoint = async (signal: AbortSignal): Promise<string | IntrospectionResult> => {
    if (options.endpoint !== undefined) return options.endpoint
    const age = now() - latestAt
    // A clock that was set back makes the age negative; a failure must not be believed until then.
    if (latest !== undefined && age >= 0 && age < lifetime) return latest
    const own = discovery ?? discoverEndpoint(issuer, fetch, signal)
    if (sharesPromises()) discovery = own
    const found = await own
    discovery = undefined
    if (typeof found === 'string') known = found
    latestAt = now()
    lifetime = typeof found === 'string' ? METADATA_LIFETIME : METADATA_BACK_OFF
    // A metadata outage does not stop an endpoint that is known to exist.
    latest = known ?? found
    return latest
  }

  const ask = async (token: string, signal: AbortSignal): Promise<IntrospectionResult> => {
    const endpoint = await findEndpoint(signal)
    if (typeof endpoint !== 'string') return endpoint
    const form = new URLSearchParams({ token, token_type_hint: 'access_token' })
    if (authMethod !== 'client_secret_basic') form.set('client_id', clientId)
    if (authMethod === 'client_secret_post') form.set('client_secret', clientSecret)
    const body = form.toString()
    try {
      return await readResponse(
        await fetch(endpoint, { method: 'POST', headers, body, redirect: 'manual', signal }),
      )
    } catch {
      // The cause may quote the request, which holds the token.
      return failure(signal.aborted ? 'timeout' : 'network_error')
    }
  }

  return (token) =>
    withDeadline(
      options.timeout,
      (signal) => ask(token, signal),
      () => failure('timeout'),
    )
}
