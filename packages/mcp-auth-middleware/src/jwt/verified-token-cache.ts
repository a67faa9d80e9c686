import { createLruMap, type LruEntry } from '../lru-map.js'
import type { Principal } from '../principal.js'
import type { TokenValidator, VerdictReuse } from '../validators/validator.js'

/** An accepted credential. Shared between requests, so everything in it is frozen or never changed. */
export interface VerifiedToken {
  readonly principal: Principal
  /** Scopes of the principal with the implied ones. */
  readonly scopes: ReadonlySet<string>
  readonly validator: TokenValidator
}

interface Entry extends LruEntry<Entry> {
  readonly token: VerifiedToken
  /** Epoch milliseconds. */
  readonly storedAt: number
  readonly diesAt: number
  readonly generation: VerdictReuse['generation']
}

/** Verified credentials by the SHA-256 of what was presented. Never holds a credential or a failure. */
export interface VerifiedTokenCache {
  get(key: string, now: number): VerifiedToken | undefined
  set(key: string, token: VerifiedToken, reuse: VerdictReuse, now: number): void
  readonly size: number
}

/** Options of the verified-token cache. */
export interface VerifiedTokenCacheOptions {
  /** Most entries kept; the least recently used goes first. Default 10,000 (about 10 MB). */
  readonly maxEntries?: number | undefined
  /** Longest reuse of one verification, in seconds, 1 to 300. Default 300. */
  readonly maxAgeSeconds?: number | undefined
}

/**
 * Creates a bounded cache. An entry dies at the earliest of: the credential's `exp`, the key set's
 * word (`reuse.until`), `maxAgeSeconds`, or a change of its generation; a clock that ran backwards
 * past the moment of storing also ends it.
 */
export function createVerifiedTokenCache(options: VerifiedTokenCacheOptions): VerifiedTokenCache {
  const maxAge = (options.maxAgeSeconds ?? 300) * 1000
  const entries = createLruMap<Entry>(options.maxEntries ?? 10_000)

  return {
    get(key, now) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      // Written so that NaN, from a broken clock, ends the entry.
      if (
        !(now < entry.diesAt && now >= entry.storedAt) ||
        (entry.generation !== undefined && !entry.generation.current)
      ) {
        entries.delete(key)
        return undefined
      }
      return entry.token
    },
    set(key, token, reuse, now) {
      const { expiresAt } = token.principal
      const expiry = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt * 1000
      const diesAt = Math.min(expiry, reuse.until, now + maxAge)
      // Written so that NaN, from a custom validator, stores nothing.
      if (!(diesAt > now)) return
      entries.set({
        key,
        token,
        storedAt: now,
        diesAt,
        generation: reuse.generation,
        older: undefined,
        newer: undefined,
      })
    },
    get size() {
      return entries.size
    },
  }
}
