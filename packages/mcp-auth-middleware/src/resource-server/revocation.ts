import * as z from 'zod/mini'
import { parseOptions } from '../configuration.js'
import type { Principal } from '../principal.js'

/** Tells whether an otherwise valid credential was revoked. Asked synchronously on every request. */
export interface RevocationSource {
  /** `unavailable`: the source is too old to tell, which is answered 503, never 401. */
  check(principal: Principal): 'active' | 'revoked' | 'unavailable'
}

/** A revocation source that is filled by hand. */
export interface RevocationList extends RevocationSource {
  /** Revokes one token by its `jti`, until `expiresAt` (epoch seconds). */
  revokeToken(issuer: string, tokenId: string, expiresAt: number): void
  /** Revokes every token of one grant, until `expiresAt` (epoch seconds). */
  revokeGrant(issuer: string, grantId: string, expiresAt: number): void
}

const Options = z.strictObject({
  maxEntries: z._default(
    z
      .int('must be a whole number')
      .check(
        z.minimum(1, 'must be at least 1'),
        z.maximum(10_000_000, 'must be at most 10,000,000'),
      ),
    100_000,
  ),
  now: z.optional(
    z.custom<() => number>((value) => typeof value === 'function', 'must be a function'),
  ),
})

/**
 * Creates an in-memory revocation list for one process. Entries go when the revoked credential would
 * have expired anyway.
 *
 * @param options.maxEntries - Default 100,000, at most 10,000,000. When full, the source answers
 *   `unavailable` rather than forget a revocation, until the forgotten credential has expired.
 * @param options.now - Current time in epoch milliseconds. Default `Date.now`.
 * @throws {@link ConfigurationError} at once, when an option is unknown or malformed.
 */
export function createRevocationList(
  options: {
    readonly maxEntries?: number | undefined
    readonly now?: (() => number) | undefined
  } = {},
): RevocationList {
  const { maxEntries, now = Date.now } = parseOptions('createRevocationList', Options, options)
  // End, in epoch seconds, of the last revocation for which there was no room.
  let forgottenUntil = 0
  const entries = new Map<string, number>()

  const revoke = (kind: string, issuer: string, id: string, expiresAt: number): void => {
    if (!Number.isFinite(expiresAt)) throw new TypeError('expiresAt must be epoch seconds')
    const name = JSON.stringify([kind, issuer, id])
    const known = entries.get(name)
    if (known === undefined && entries.size >= maxEntries) {
      const seconds = now() / 1000
      for (const [key, end] of entries) if (end <= seconds) entries.delete(key)
      if (entries.size >= maxEntries) {
        forgottenUntil = Math.max(forgottenUntil, expiresAt)
        return
      }
    }
    entries.set(name, Math.max(known ?? 0, expiresAt))
  }
  const isRevoked = (kind: string, issuer: string, id: string | undefined): boolean => {
    if (id === undefined) return false
    const end = entries.get(JSON.stringify([kind, issuer, id]))
    return end !== undefined && end > now() / 1000
  }
  return {
    check({ issuer, tokenId, grantId }) {
      if (isRevoked('token', issuer, tokenId) || isRevoked('grant', issuer, grantId)) {
        return 'revoked'
      }
      return forgottenUntil > now() / 1000 ? 'unavailable' : 'active'
    },
    revokeToken: (issuer, tokenId, expiresAt) => revoke('token', issuer, tokenId, expiresAt),
    revokeGrant: (issuer, grantId, expiresAt) => revoke('grant', issuer, grantId, expiresAt),
  }
}
