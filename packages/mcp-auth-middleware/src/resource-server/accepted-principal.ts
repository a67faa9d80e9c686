import type { Principal } from '../principal.js'
import { isScopeToken } from './scope.js'

// Control characters, bidirectional overrides and lone surrogates: harmless in no log and no key.
const UNSAFE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1024 && !UNSAFE.test(value)
}

function optional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

/**
 * Checks the principal of an accepted verdict and returns a frozen copy, or `undefined` when a
 * validator (custom ones included) broke its contract. A broken principal is a bug, not a bad token.
 */
export function acceptPrincipal(principal: Principal): Principal | undefined {
  if (typeof principal !== 'object' || principal === null) return undefined
  const { issuer, subject, kind, scopes, expiresAt, clientId, email, claims } = principal
  if (!isIdentifier(issuer) || !isIdentifier(subject)) return undefined
  if (kind !== 'user' && kind !== 'service') return undefined
  if (!Array.isArray(scopes)) return undefined
  // A copy first: `every` skips the holes of a sparse array.
  if (![...scopes].every((scope) => typeof scope === 'string' && isScopeToken(scope)))
    return undefined
  if (!optional(expiresAt, Number.isFinite) || !optional(clientId, isIdentifier)) return undefined
  // A number as `jti` or tenant would never equal the text that a revocation or `allow` names.
  for (const value of [
    email,
    principal.name,
    principal.tenant,
    principal.tokenId,
    principal.grantId,
  ]) {
    if (!optional(value, (each) => typeof each === 'string')) return undefined
  }
  if (typeof claims !== 'object' || claims === null) return undefined
  return Object.freeze({ ...principal, scopes: Object.freeze([...new Set(scopes)]) })
}
