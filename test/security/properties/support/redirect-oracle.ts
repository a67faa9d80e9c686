/** The three hosts of a listener on the user's own machine, as they are written in a URI. */
const LOOPBACK_HOSTS = ['127.0.0.1', '[::1]', 'localhost']

interface LoopbackParts {
  readonly host: string
  readonly rest: string
}

function isPort(text: string): boolean {
  return (
    text.length >= 1 &&
    text.length <= 5 &&
    [...text].every((digit) => digit >= '0' && digit <= '9') &&
    Number.parseInt(text, 10) <= 65_535
  )
}

/** Takes an authority apart by hand; `undefined` unless it is a loopback host and perhaps a port. */
function hostOf(authority: string): string | undefined {
  for (const host of LOOPBACK_HOSTS) {
    if (authority === host) return host
    if (authority.startsWith(`${host}:`) && isPort(authority.slice(host.length + 1))) return host
  }
  return undefined
}

function splitLoopback(uri: string): LoopbackParts | undefined {
  const scheme = 'http://'
  if (!uri.startsWith(scheme)) return undefined
  let end = scheme.length
  // RFC 3986 section 3.2: the authority ends at the next slash, question mark or number sign.
  while (end < uri.length && !'/?#'.includes(uri.charAt(end))) end++
  const host = hostOf(uri.slice(scheme.length, end))
  return host === undefined ? undefined : { host, rest: uri.slice(end) }
}

/**
 * Decides by the words of the RFCs whether a redirect URI is one of those registered:
 *
 * - RFC 9700 section 4.1.3: exact string matching, with one exception:
 * - RFC 8252 section 7.3: any port of an http URI on a loopback IP literal. Everything else of it, the
 *   host among it, stays exact. The RFC says so of literals alone, and section 8.3 advises against
 *   `localhost`; the server treats it alike, since native clients in use register it.
 */
export function isRegisteredRedirect(registered: readonly string[], presented: string): boolean {
  const loopback = splitLoopback(presented)
  return registered.some((uri) => {
    if (uri === presented) return presented !== ''
    const own = splitLoopback(uri)
    return (
      own !== undefined &&
      loopback !== undefined &&
      own.host === loopback.host &&
      own.rest === loopback.rest
    )
  })
}
