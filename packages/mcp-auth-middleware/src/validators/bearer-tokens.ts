import { checkOptions } from '../configuration.js'
import type { ConfigurationProblem } from '../errors.js'
import { isScopeToken } from '../resource-server/scope.js'
import { sha256 } from '../runtime.js'
import { LOCAL_BEARER_NAME, type LocalBearerToken } from './local-bearer.js'
import { formatTokenDigest, parseTokenDigest } from './token-digest.js'

// RFC 6750 section 2.1, `b64token`. Any other text cannot be sent as a Bearer token.
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Computes the digest of a token as `localBearer` expects it: `sha256:` and 64 hexadecimal digits.
 *
 * @example
 * ```ts
 * const digest = await digestBearerToken(oldToken)
 * ```
 *
 * @throws ConfigurationError (as a rejection) for a text that cannot be a Bearer token, such as an
 * empty one or one with a line feed. The message does not repeat it.
 * @see RFC 6750 section 2.1 - `b64token`
 */
export async function digestBearerToken(token: string): Promise<string> {
  if (typeof token !== 'string' || !B64TOKEN.test(token)) {
    const message = 'is empty or holds characters that a Bearer token cannot have'
    checkOptions('digestBearerToken', [{ path: 'token', message }])
  }
  return formatTokenDigest(await sha256(token))
}

/**
 * Makes a token for `localBearer`: `mcp_` and 256 random bits as base64url. The digest goes into the
 * configuration; the token goes to its holder and is kept nowhere else.
 *
 * @example
 * ```ts
 * const { token, digest } = await generateBearerToken()
 * ```
 */
export async function generateBearerToken(): Promise<{
  readonly token: string
  readonly digest: string
}> {
  const random = crypto.getRandomValues(new Uint8Array(32))
  const text = btoa(String.fromCharCode(...random))
  const token = `mcp_${text.replace(/\+/g, '-').replace(/\//g, '_').replaceAll('=', '')}`
  return { token, digest: await digestBearerToken(token) }
}

/** Returns the entry, or a sentence that says what is wrong without repeating any of it. */
function parseEntry(entry: string): [name: string, token: LocalBearerToken] | string {
  if (entry === '') return 'is empty; write name:sha256:<64 hexadecimal digits>'
  const [name = '', algorithm, hex, ...rest] = entry.split(':')
  if (!LOCAL_BEARER_NAME.test(name)) {
    return 'has a name that is not 1 to 40 letters, digits, ".", "_" or "-"'
  }
  const digest = `${algorithm}:${hex}`
  if (parseTokenDigest(digest) === undefined) {
    return 'has no digest, name:sha256:<64 hexadecimal digits>; never write the token itself here'
  }
  if (rest.length === 0) return [name, { digest }]

  // A scope may contain a colon, an entry cannot end with one.
  const scopes = rest.join(':').split(/[\s+]+/)
  if (!scopes.every(isScopeToken)) {
    return 'has an empty or malformed scope; separate scopes by blanks or "+"'
  }
  return [name, { digest, scopes }]
}

/**
 * Parses the tokens of `localBearer` out of one text, such as the variable `MCP_BEARER_TOKENS`.
 *
 * Entries are separated by commas, each `name:sha256:hex` or `name:sha256:hex:scopes`, the scopes
 * separated by blanks or `+`. A name may come twice: both tokens are valid while one replaces the
 * other.
 *
 * @example
 * ```ts
 * localBearer(parseBearerTokens('claude-code:sha256:…:coda.read+coda.write,backup:sha256:…'))
 * ```
 *
 * @throws ConfigurationError at once, listing every malformed entry by its position, counted from 1.
 * No part of the text is repeated, since it may be a token.
 */
export function parseBearerTokens(text: string): Record<string, readonly LocalBearerToken[]> {
  const isText = typeof text === 'string' && text.trim() !== ''
  const entries = isText ? text.split(',').map((entry) => parseEntry(entry.trim())) : ['is empty']
  checkOptions(
    'parseBearerTokens',
    entries.flatMap((entry, index): ConfigurationProblem[] =>
      typeof entry === 'string' ? [{ path: `(entry ${index + 1})`, message: entry }] : [],
    ),
  )

  const tokens = new Map<string, LocalBearerToken[]>()
  for (const entry of entries) {
    if (typeof entry === 'string') continue
    const [name, token] = entry
    tokens.set(name, [...(tokens.get(name) ?? []), token])
  }
  return Object.fromEntries(tokens)
}
