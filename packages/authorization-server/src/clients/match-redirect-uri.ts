import { parseLoopbackUri } from './redirect-uri.js'

/**
 * Tells whether a redirect URI of an authorization request is one of those registered.
 *
 * Compared as text, character by character, without any normalisation. Only the port of an http URI on
 * `localhost`, `127.0.0.1` or `[::1]` may differ or be absent; these three hosts do not stand for each
 * other.
 *
 * @see RFC 9700 section 4.1.3 - exact comparison
 * @see RFC 8252 section 7.3 - loopback ports
 */
export function matchRedirectUri(registered: readonly string[], presented: string): boolean {
  if (presented === '') return false
  if (registered.includes(presented)) return true
  const loopback = parseLoopbackUri(presented)
  if (loopback === undefined) return false
  return registered.some((uri) => {
    const candidate = parseLoopbackUri(uri)
    return candidate?.host === loopback.host && candidate.rest === loopback.rest
  })
}
