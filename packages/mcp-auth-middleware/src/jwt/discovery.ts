import { fetchJson } from './json-fetch.js'
import type { KeyFetchReason } from './reasons.js'
import { isLoopbackUrl, remoteUrlProblem } from './remote-url.js'

/** Where the metadata of an issuer says its keys are. */
export type DiscoveryResult =
  | { readonly ok: true; readonly jwksUri: string }
  | {
      readonly ok: false
      readonly reason: KeyFetchReason
      /** The document was read, but it belongs to another issuer or points at an unusable URL. */
      readonly misconfigured: boolean
    }

/** The URLs of an issuer's metadata: OpenID Connect appends, RFC 8414 inserts. */
export function metadataUrls(issuer: string): readonly string[] {
  const url = new URL(issuer)
  const path = url.pathname.replace(/\/$/, '')
  return [
    `${url.origin}${path}/.well-known/openid-configuration`,
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

/**
 * Reads an issuer's metadata and returns its `jwks_uri`. A document whose `issuer` is not exactly the
 * expected one is never used.
 *
 * @see RFC 8414 section 3.3, OpenID Connect Discovery 1.0 section 4.3
 */
export async function discoverJwksUri(
  issuer: string,
  documentIssuer: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<DiscoveryResult> {
  const misconfigured = (reason: KeyFetchReason): DiscoveryResult => ({
    ok: false,
    reason,
    misconfigured: true,
  })
  let reason: KeyFetchReason = 'metadata_invalid'
  for (const url of metadataUrls(issuer)) {
    const result = await fetchJson(url, fetch, signal)
    if (!result.ok) {
      reason = result.reason
      if (signal.aborted) break
      continue
    }
    const { issuer: stated, jwks_uri: jwksUri } = result.document
    if (stated !== documentIssuer) return misconfigured('issuer_mismatch')
    if (typeof jwksUri !== 'string') return misconfigured('metadata_invalid')
    // A public issuer must not be able to point us at our own machine.
    const crossesIn = isLoopbackUrl(jwksUri) && !isLoopbackUrl(issuer)
    if (remoteUrlProblem(jwksUri) !== undefined || crossesIn) {
      return misconfigured('jwks_uri_invalid')
    }
    return { ok: true, jwksUri }
  }
  return { ok: false, reason, misconfigured: false }
}
