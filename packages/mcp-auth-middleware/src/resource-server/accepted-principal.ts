import { isIdentifier } from '../jwt/claims.js'
import type { Principal } from '../principal.js'
import type { ScopeReader } from './granted-scopes.js'
import { isScopeToken } from './scope.js'

function optional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

/**
 * Checks the principal of an accepted verdict and returns a frozen copy, or `undefined` when a
 * validator (custom ones included) broke its contract. A broken principal is a bug, not a bad token.
 */
export function acceptPrincipal(
  principal: Principal,
  readScopes: ScopeReader,
): Principal | undefined {
  if (typeof principal !== 'object' || principal === null) return undefined
  const { issuer, ...members } = principal
  const { subject, kind, scopes, expiresAt, clientId, email, claims } = members
  if (!isIdentifier(issuer) || !isIdentifier(subject)) return undefined
  if (kind !== 'user' && kind !== 'service') return undefined
  if (!Array.isArray(scopes)) return undefined
  // A copy first: `every` skips the holes of a sparse array.
  const granted = [...scopes]
  if (!granted.every((scope) => typeof scope === 'string' && isScopeToken(scope))) return undefined
  if (!optional(expiresAt, Number.isFinite) || !optional(clientId, isIdentifier)) return undefined
  // A number as `jti` or tenant would never equal the text that a revocation or `allow` names.
  for (const value of [email, members.name, members.tenant, members.tokenId, members.grantId]) {
    if (!optional(value, (each) => typeof each === 'string')) return undefined
  }
  if (typeof claims !== 'object' || claims === null) return undefined
  // A member in front of the others: V8 gives each frozen clone of an object a hidden class of its own,
  // which are 336 bytes.
  return Object.freeze({ issuer, ...members, scopes: readScopes(granted).scopes })
}
