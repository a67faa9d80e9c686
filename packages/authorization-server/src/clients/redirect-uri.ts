import type { RedirectPolicy } from './client-policy.js'
import { matchesHost } from './host-pattern.js'
import { MetadataRefusal } from './metadata-refusal.js'

/** What a redirect URI is: a web address, a listener on the user's machine, or an app on it. */
export type RedirectKind = 'https' | 'loopback' | 'private'

/** A loopback redirect URI, without its port. */
export interface LoopbackUri {
  /** As written: `localhost`, `127.0.0.1` or `[::1]`. */
  readonly host: string
  /** Path and query as written, possibly empty. */
  readonly rest: string
}

const MAX_URIS = 10
const MAX_LENGTH = 2048
const MAX_PORT = 65_535

// The characters of RFC 3986 without "#". Anything else is read differently by different parsers:
// browsers drop tabs, trim blanks and take a backslash for a slash.
const URI_CHARACTERS = /^[!$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]+$/
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
// Only the normal form is accepted, since redirect URIs are compared as text.
const LOOPBACK =
  /^http:\/\/(?<host>localhost|127\.0\.0\.1|\[::1\])(?::(?<port>\d{1,5}))?(?<rest>(?:[/?].*)?)$/
// No percent signs and the like in the host: a consent page must show the host that is meant.
const HTTPS = /^https:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?]|$)/
const LOOPBACK_HOST = /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
/** RFC 8252 section 7.1: a domain name in reverse, so at least one dot, and a path. */
const REVERSE_DOMAIN = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:\/[^*]*$/
const CURSOR = 'cursor://anysphere.cursor-mcp/oauth/callback'

// Schemes that run or read something instead of handing over to an app. A client that asks for one is
// refused as a whole, while an app scheme that is only not listed is left out of its registration.
const DANGEROUS = new Set(
  'about blob chrome chrome-extension content data file filesystem ftp intent jar javascript mailto ms-msdt resource search-ms sms tel vbscript view-source ws wss'
    .split(' ')
    .map((scheme) => `${scheme}:`),
)

function refuse(rule: string): never {
  throw new MetadataRefusal('invalid_redirect_uri', `redirect_uris ${rule}`)
}

/** Splits a loopback redirect URI (RFC 8252 section 7.3). Returns `undefined` for any other text. */
export function parseLoopbackUri(uri: string): LoopbackUri | undefined {
  const groups = LOOPBACK.exec(uri)?.groups
  if (groups?.host === undefined || Number(groups.port ?? 0) > MAX_PORT) return undefined
  return { host: groups.host, rest: groups.rest ?? '' }
}

function isHttps(uri: string, policy: RedirectPolicy): boolean {
  if (!HTTPS.test(uri) || !URL.canParse(uri)) refuse('must be of the form https://host/path')
  const { hostname } = new URL(uri)
  return policy.hosts === undefined || matchesHost(policy.hosts, hostname)
}

function isPrivate(uri: string, policy: RedirectPolicy): boolean {
  if (policy.privateUris !== undefined) return policy.privateUris.includes(uri)
  return uri === CURSOR || REVERSE_DOMAIN.test(uri)
}

/** Returns `undefined` for a harmless URI that this server does not take. */
function classify(uri: string, policy: RedirectPolicy): RedirectKind | undefined {
  if (uri.length > MAX_LENGTH) refuse(`must not be longer than ${MAX_LENGTH} characters`)
  if (uri.includes('#')) refuse('must not contain a fragment')
  if (!URI_CHARACTERS.test(uri)) refuse('must contain only characters of RFC 3986')
  const scheme = SCHEME.exec(uri)?.[0]
  if (scheme === undefined) refuse('must be absolute')
  if (DANGEROUS.has(scheme.toLowerCase())) refuse('must not use a dangerous scheme')
  if (uri.includes('*')) refuse('must not contain a wildcard')
  // After the scheme, up to the path: nobody needs a user name there, and it hides the real host.
  if (/^[^/?]*\/\/[^/?]*@/.test(uri)) refuse('must not contain a user name')
  if (scheme.toLowerCase() === 'http:') {
    if (parseLoopbackUri(uri) === undefined) refuse('must use https, or http on a loopback host')
    return 'loopback'
  }
  if (scheme.toLowerCase() === 'https:') return isHttps(uri, policy) ? 'https' : undefined
  return isPrivate(uri, policy) ? 'private' : undefined
}

/** The redirect URIs of a client, and what they make it. */
export interface RedirectUris {
  readonly uris: readonly string[]
  readonly applicationType: 'web' | 'native'
}

/**
 * Checks the redirect URIs of a client. One that is dangerous or malformed refuses the list; one under
 * an app scheme or host that the policy does not list is left out, since Cursor and VS Code register
 * several and use one.
 *
 * @throws MetadataRefusal when a URI is refused or none is left.
 */
export function parseRedirectUris(value: unknown, policy: RedirectPolicy): RedirectUris {
  if (!Array.isArray(value) || value.length === 0) refuse('must be a list with at least one URI')
  if (value.length > MAX_URIS) refuse(`must not have more than ${MAX_URIS} members`)
  const accepted = new Map<string, RedirectKind>()
  for (const uri of value) {
    if (typeof uri !== 'string') refuse('must contain only text')
    const kind = classify(uri, policy)
    if (kind !== undefined) accepted.set(uri, kind)
  }
  if (accepted.size === 0) refuse('must have one that this server accepts')

  const isNative = [...accepted.values()].some((kind) => kind !== 'https')
  const uris = [...accepted.keys()]
  const hasHttpsLoopback = uris.some(
    (uri) => uri.startsWith('https:') && LOOPBACK_HOST.test(new URL(uri).hostname),
  )
  // The engine refuses such a client with a worse message.
  if (isNative && hasHttpsLoopback) refuse('must not mix https on a loopback host with app URIs')
  return { uris, applicationType: isNative ? 'native' : 'web' }
}
