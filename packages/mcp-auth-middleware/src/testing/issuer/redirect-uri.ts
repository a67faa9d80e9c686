const DANGEROUS_SCHEMES = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'about:',
  'view-source:',
])

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Tells why a redirect URI must not be registered; `undefined` when it may be.
 *
 * Accepted are https, http on a loopback host (RFC 8252 section 7.3) and private-use schemes
 * (section 7.1), which desktop clients register beside the other two.
 */
export function redirectUriProblem(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || uri.length === 0 || uri.length > 2048) {
    return 'a redirect URI must be a string of 1 to 2048 characters'
  }
  // The URL parser drops tabs and leading blanks, and would let `java\tscript:` through.
  if (/[^!-~]/.test(uri)) return 'a redirect URI must be printable ASCII without blanks'
  if (!URL.canParse(uri)) return 'a redirect URI must be absolute'

  const url = new URL(uri)
  if (DANGEROUS_SCHEMES.has(url.protocol)) return 'this redirect URI scheme runs or reads content'
  if (url.hash !== '' || uri.includes('#')) return 'a redirect URI must not have a fragment'
  if (url.username !== '' || url.password !== '') {
    return 'a redirect URI must not carry user information'
  }
  if (url.hostname.includes('*')) return 'a redirect URI must not have a wildcard'
  if (url.protocol === 'http:' && !LOOPBACK_HOSTS.has(url.hostname)) {
    return 'an http redirect URI must be on a loopback host'
  }
  return undefined
}

// On the text, not on the parsed URL: comparison is otherwise character by character.
const LOOPBACK_ORIGIN = /^(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)/

function withoutLoopbackPort(uri: string): string {
  return uri.replace(LOOPBACK_ORIGIN, '$1')
}

/** Compares a requested redirect URI with a registered one: equal, but for the port of loopback hosts. */
export function redirectUriMatches(registered: string, requested: string): boolean {
  return withoutLoopbackPort(registered) === withoutLoopbackPort(requested)
}
