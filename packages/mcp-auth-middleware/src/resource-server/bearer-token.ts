import { headerOf, isRepeated, queryHas, type RequestView } from './request-view.js'

/** What the `Authorization` field and the query say about a Bearer token. */
export type BearerCredential =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly token: string }
  | { readonly kind: 'malformed'; readonly status: 400 | 401; readonly reason: string }

type Malformed = Extract<BearerCredential, { kind: 'malformed' }>

const ABSENT: BearerCredential = { kind: 'absent' }
const REPEATED: Malformed = {
  kind: 'malformed',
  status: 400,
  reason: 'authorization_repeated',
}
const MALFORMED: Malformed = {
  kind: 'malformed',
  status: 401,
  reason: 'authorization_malformed',
}
const TWO_METHODS: Malformed = { kind: 'malformed', status: 400, reason: 'two_methods' }

// RFC 6750 section 2.1: credentials = "Bearer" 1*SP b64token; the scheme is case-insensitive.
const BEARER = /^bearer +/i
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const SCHEME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/

/**
 * Says what is wrong with the characters of a Bearer token; `undefined` when nothing is.
 *
 * Kept apart from {@link readBearerCredential} because looking at each of 800 characters is a third
 * of what a cached request costs: a token that the cache knows was looked at before.
 */
export function bearerTokenProblem(token: string): Malformed | undefined {
  if (B64TOKEN.test(token)) return undefined
  // Servers that merge repeated fields show them as one, separated by a comma.
  return token.includes(',') ? REPEATED : MALFORMED
}

/**
 * Reads the Bearer token of a request, from the `Authorization` field only, without looking at its
 * characters: {@link bearerTokenProblem} has to, before any validator sees it.
 *
 * A token in the query is never read (MCP: MUST NOT); together with a header it is a second method
 * and refused. Another scheme counts as no credential.
 *
 * @see RFC 6750 sections 2.1 and 3.1; OAuth 2.1 section 5.3
 */
export function readBearerCredential(view: RequestView): BearerCredential {
  const header = headerOf(view, 'authorization')
  if (header === undefined) return ABSENT
  // Before anything is read of it: an empty field must not hide the one behind it.
  if (isRepeated(view, 'authorization')) return REPEATED

  const start = BEARER.exec(header)?.[0].length
  if (start === undefined) {
    const scheme = SCHEME.exec(header)?.[0]
    if (scheme === undefined || scheme.toLowerCase() !== 'bearer') return ABSENT
    return header.includes(',') ? REPEATED : MALFORMED
  }
  const token = header.slice(start)
  if (queryHas(view.target, 'access_token')) return bearerTokenProblem(token) ?? TWO_METHODS
  return { kind: 'present', token }
}

/** Reads the Bearer token of a request and looks at its characters, at once. */
export function parseBearerCredential(view: RequestView): BearerCredential {
  const bearer = readBearerCredential(view)
  return bearer.kind === 'present' ? (bearerTokenProblem(bearer.token) ?? bearer) : bearer
}
