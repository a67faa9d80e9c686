import { isScopeToken } from '../resource-server/scope.js'
import type { JsonObject } from './compact-jws.js'
import type { JwtReason } from './reasons.js'

// Control characters, bidirectional overrides and lone surrogates would forge log lines and collide
// as store keys.
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u

const MAX_IDENTIFIER_LENGTH = 1024
const MAX_TOKEN_ID_LENGTH = 256

/** Tells whether a value can be an identifier in logs and store keys. */
export function isIdentifier(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_IDENTIFIER_LENGTH &&
    !UNSAFE.test(value)
  )
}

/** Reads a claim of the payload itself, never of an object prototype. */
export function claimOf(payload: JsonObject, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined
}

/** What the times of a token are compared with, all in seconds. */
export interface TimePolicy {
  readonly clockTolerance: number
  readonly maxTokenLifetime: number
}

/**
 * Checks `exp`, `nbf` and `iat` at a time in epoch seconds (RFC 7519 section 4.1). Comparisons with the
 * time are written so that NaN, from a broken clock, refuses.
 */
export function timeProblem(
  payload: JsonObject,
  now: number,
  { clockTolerance, maxTokenLifetime }: TimePolicy,
): JwtReason | undefined {
  const exp = claimOf(payload, 'exp')
  const nbf = claimOf(payload, 'nbf')
  const iat = claimOf(payload, 'iat')
  if (exp === undefined) return 'exp_missing'
  if (typeof exp !== 'number' || !Number.isFinite(exp) || exp <= 0) return 'exp_invalid'
  if (!(exp > now - clockTolerance)) return 'token_expired'
  if (!(exp <= now + maxTokenLifetime + clockTolerance)) return 'lifetime_too_long'
  if (nbf !== undefined) {
    if (typeof nbf !== 'number' || !Number.isFinite(nbf)) return 'nbf_invalid'
    if (!(nbf <= now + clockTolerance)) return 'not_yet_valid'
  }
  if (iat !== undefined) {
    if (typeof iat !== 'number' || !Number.isFinite(iat)) return 'iat_invalid'
    if (!(iat <= now + clockTolerance)) return 'iat_in_future'
    if (iat > exp) return 'iat_after_exp'
  }
  return undefined
}

/** Checks `sub` and `jti`, and that the token is not bound to a key, unless the caller asks for its proof. */
export function identityProblem(
  payload: JsonObject,
  subjectOptional: boolean,
  isProven = false,
): JwtReason | undefined {
  const sub = claimOf(payload, 'sub')
  const jti = claimOf(payload, 'jti')
  if (sub === undefined || sub === '') {
    if (!subjectOptional) return 'subject_missing'
  } else if (!isIdentifier(sub)) {
    return 'subject_invalid'
  }
  if (jti !== undefined && !(isIdentifier(jti) && jti.length <= MAX_TOKEN_ID_LENGTH)) {
    return 'jti_invalid'
  }
  // RFC 9449 section 7.2, RFC 8705 section 3: such a token must not be taken as a plain Bearer token.
  return isProven || claimOf(payload, 'cnf') === undefined ? undefined : 'sender_constrained'
}

/** The values of `aud`, or why it is unusable (RFC 7519 section 4.1.3). */
export function readAudience(payload: JsonObject): readonly string[] | JwtReason {
  const aud = claimOf(payload, 'aud')
  if (aud === undefined) return 'audience_missing'
  if (typeof aud === 'string') return [aud]
  if (!Array.isArray(aud) || aud.length === 0) return 'audience_invalid'
  return aud.every((value) => typeof value === 'string') ? aud : 'audience_invalid'
}

/** The client, by the first of the named claims that is present; `undefined` when none is. */
export function readClientId(
  payload: JsonObject,
  names: readonly string[],
): string | undefined | { readonly problem: JwtReason } {
  for (const name of names) {
    const value = claimOf(payload, name)
    if (value === undefined) continue
    return isIdentifier(value) ? value : { problem: 'client_id_invalid' }
  }
  return undefined
}

/**
 * All scopes of the named claims. A text is split at blanks and nothing else; words that are no scope
 * token (RFC 6749 section 3.3) grant nothing and are left out.
 */
export function readScopes(
  payload: JsonObject,
  names: readonly string[],
): readonly string[] | { readonly problem: JwtReason } {
  const scopes = new Set<string>()
  for (const name of names) {
    const value = claimOf(payload, name)
    if (value === undefined || value === null) continue
    const words: unknown = typeof value === 'string' ? value.split(' ') : value
    if (!Array.isArray(words)) return { problem: 'scope_invalid' }
    for (const word of words) {
      if (typeof word !== 'string') return { problem: 'scope_invalid' }
      if (isScopeToken(word)) scopes.add(word)
    }
  }
  return [...scopes]
}

/** Claims that only ID tokens carry. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'] as const

/** Refuses ID tokens, which are for the client and say nothing about a resource. */
export function idTokenProblem(payload: JsonObject): JwtReason | undefined {
  return ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(payload, name)) ? 'id_token' : undefined
}
