import { withDeadline } from './deadline.js'
import { fetchUpstream, MAX_DOCUMENT_BYTES, type UpstreamFailure } from './upstream-fetch.js'
import { isLoopbackUrl, upstreamUrlProblem } from './upstream-url.js'

const FRESH_MILLISECONDS = 15 * 60 * 1000
const FAILED_MILLISECONDS = 1000

// No `none` and no shared secrets: whoever knows the client secret could write identities.
const ALGORITHMS: ReadonlySet<unknown> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
])

/** Metadata of an OpenID provider, checked as far as a sign-in uses it. */
export interface UpstreamMetadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly jwks_uri: string
  readonly userinfo_endpoint?: string
  readonly token_endpoint_auth_methods_supported?: string[]
  readonly id_token_signing_alg_values_supported: string[]
  readonly authorization_response_iss_parameter_supported: boolean
}

/** Why there is no usable metadata. */
export type MetadataFailure =
  | UpstreamFailure
  | 'issuer_mismatch'
  | 'endpoint_missing'
  | 'endpoint_insecure'
  | 'algorithm_unsupported'

export type MetadataResult =
  | { readonly ok: true; readonly metadata: UpstreamMetadata }
  | { readonly ok: false; readonly reason: MetadataFailure }

/** Endpoints that configuration sets in place of the document's. */
export interface UpstreamEndpoints {
  readonly authorizationEndpoint?: string | undefined
  readonly tokenEndpoint?: string | undefined
  readonly userinfoEndpoint?: string | undefined
}

/** Where metadata is and what it must say. */
export interface MetadataSourceSettings {
  /** URL before `/.well-known/openid-configuration`. */
  readonly discovery: string
  /** Issuers that the document may name, compared byte by byte. */
  readonly issuers: readonly string[]
  readonly endpoints: UpstreamEndpoints
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  readonly timeoutMilliseconds: number
}

type Document = Readonly<Record<string, unknown>>

const failure = (reason: MetadataFailure): MetadataResult => ({ ok: false, reason })
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
const listOf = (value: unknown) =>
  Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : []

function readMetadata(document: Document, settings: MetadataSourceSettings): MetadataResult {
  const { issuers, endpoints, discovery } = settings
  const issuer = issuers.find((each) => each === document.issuer)
  if (issuer === undefined) return failure('issuer_mismatch')
  const authorization = endpoints.authorizationEndpoint ?? textOf(document.authorization_endpoint)
  const token = endpoints.tokenEndpoint ?? textOf(document.token_endpoint)
  const userinfo = endpoints.userinfoEndpoint ?? textOf(document.userinfo_endpoint)
  const jwksUri = textOf(document.jwks_uri)
  if (authorization === undefined || token === undefined || jwksUri === undefined) {
    return failure('endpoint_missing')
  }
  const configured = new Set(Object.values(endpoints))
  // A provider elsewhere has no endpoints on this machine; only configuration may say so.
  const isSecure = (url: string) =>
    upstreamUrlProblem(url) === undefined &&
    (configured.has(url) || isLoopbackUrl(discovery) || !isLoopbackUrl(url))
  const urls = [authorization, token, jwksUri, ...(userinfo === undefined ? [] : [userinfo])]
  if (!urls.every(isSecure)) return failure('endpoint_insecure')
  const advertised = document.id_token_signing_alg_values_supported
  // RS256 is what every provider has to support (OpenID Connect Core section 15.1).
  const algorithms = advertised === undefined ? ['RS256'] : listOf(advertised)
  const accepted = algorithms.filter((algorithm) => ALGORITHMS.has(algorithm))
  if (accepted.length === 0) return failure('algorithm_unsupported')
  const methods = document.token_endpoint_auth_methods_supported
  return {
    ok: true,
    metadata: {
      issuer,
      authorization_endpoint: authorization,
      token_endpoint: token,
      jwks_uri: jwksUri,
      id_token_signing_alg_values_supported: accepted,
      authorization_response_iss_parameter_supported:
        document.authorization_response_iss_parameter_supported === true,
      ...(userinfo === undefined ? {} : { userinfo_endpoint: userinfo }),
      ...(methods === undefined ? {} : { token_endpoint_auth_methods_supported: listOf(methods) }),
    },
  }
}

function documentUrl(discovery: string): string {
  return `${discovery.replace(/\/$/, '')}/.well-known/openid-configuration`
}

/**
 * Reads the metadata of one provider and keeps it for 15 minutes. Callers at the same time share one
 * request; after a failure the next one is made a second later at the earliest. Never rejects.
 */
export function createMetadataSource(
  settings: MetadataSourceSettings,
): () => Promise<MetadataResult> {
  const { discovery, fetch, now, timeoutMilliseconds } = settings
  let held: { readonly result: MetadataResult; readonly at: number } | undefined
  let flight: Promise<MetadataResult> | undefined

  const load = async (signal: AbortSignal): Promise<MetadataResult> => {
    const request = { method: 'GET', headers: { accept: 'application/json' } }
    const url = documentUrl(discovery)
    const answer = await fetchUpstream(url, request, MAX_DOCUMENT_BYTES, fetch, signal)
    return answer.ok ? readMetadata(answer.document, settings) : answer
  }

  const refresh = async (): Promise<MetadataResult> => {
    const result = await withDeadline(timeoutMilliseconds, load, () => failure('timeout'))
    held = { result, at: now() }
    return result
  }

  return async () => {
    const age = held === undefined ? undefined : now() - held.at
    const lifetime = held?.result.ok === true ? FRESH_MILLISECONDS : FAILED_MILLISECONDS
    // A clock that was set back makes the age negative, and the copy stale.
    if (held !== undefined && age !== undefined && age >= 0 && age < lifetime) return held.result
    flight ??= refresh().finally(() => {
      flight = undefined
    })
    return flight
  }
}
