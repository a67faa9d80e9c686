import { headerOf, isRepeated, queryHas, type RequestView } from './request-view.js'

/** What the `Authorization` field and the query say about a Bearer token. */
export type BearerCredential =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly token: string }
  | { readonly kind: 'malformed'; readonly status: 400 | 401; readonly reason: string }

const ABSENT: BearerCredential = { kind: 'absent' }
const REPEATED: BearerCredential = {
  kind: 'malformed',
  status: 400,
  reason: 'authorization_repeated',
}
const MALFORMED: BearerCredential = {
  kind: 'malformed',
  status: 401,
  reason: 'authorization_malformed',
}
const TWO_METHODS: BearerCredential = { kind: 'malformed', status: 400, reason: 'two_methods' }

// RFC 6750 section 2.1: credentials = "Bearer" 1*SP b64token; the scheme is case-insensitive.
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i
const SCHEME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/

/**
 * Reads the Bearer token of a request, from the `Authorization` field only.
 *
 * A token in the query is never read (MCP: MUST NOT); together with a header it is a second method
 * and refused. Another scheme counts as no credential.
 *
 * @see RFC 6750 sections 2.1 and 3.1; OAuth 2.1 section 5.3
 */
export function parseBearerCredential(view: RequestView): BearerCredential {
  const header = headerOf(view, 'authorization')
  if (header === undefined || header === '') return ABSENT
  if (isRepeated(view, 'authorization')) return REPEATED

  const match = BEARER.exec(header)
  if (match === null) {
    const scheme = SCHEME.exec(header)?.[0]
    if (scheme === undefined || scheme.toLowerCase() !== 'bearer') return ABSENT
    // Servers that merge repeated fields show them as one, separated by a comma.
    return header.includes(',') ? REPEATED : MALFORMED
  }
  if (queryHas(view.target, 'access_token')) return TWO_METHODS
  return { kind: 'present', token: match[1] ?? '' }
}
