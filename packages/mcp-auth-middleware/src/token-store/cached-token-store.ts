import { LRUCache } from 'lru-cache'
import * as z from 'zod/mini'
import { parseOptions } from '../configuration.js'
import { isAuthError, StoreUnavailableError } from '../errors.js'
import { sharesPromises } from '../runtime.js'
import { type CacheEntry, isFresh, isServable, isYoung } from './cache-entry.js'
import { credentialKeyId, validateCredentialKey } from './credential-key.js'
import { untilAborted, withDeadline } from './deadline.js'
import { createOverlapTracker } from './overlap-tracker.js'
import type { Credential, CredentialGetOptions, CredentialKey, TokenStore } from './token-store.js'
import { createWatchedKeys } from './watched-keys.js'

/** How long a reader waits for the store before it is served a stale credential. */
const STALE_AFTER_MILLISECONDS = 1000
/** How long a stale credential is served before the store is asked again. */
const STALE_RETRY_MILLISECONDS = 1000

/** Options for {@link cachedTokenStore}. */
export interface CachedTokenStoreOptions {
  /** How long a credential is served without asking the store, in seconds. Default 60, at most 3600. */
  readonly ttlSeconds?: number | undefined
  /** The same for the answer that there is none. Default and maximum 5; 0 turns it off. */
  readonly negativeTtlSeconds?: number | undefined
  /** Number of keys held; the least recently used goes first. Default 1000. */
  readonly maxEntries?: number | undefined
  /**
   * How long after its time a credential may still be served while the store is unavailable, in
   * seconds. Default 0, which is off. Never used for damaged or expired credentials.
   */
  readonly serveStaleSeconds?: number | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** A {@link TokenStore} with a cache in front. */
export interface CachedTokenStore extends TokenStore {
  /** The cached credential, when one may be served now without asking the store. Never waits. */
  peek(key: CredentialKey): Credential | undefined
  /** Forgets one key, or all of them. Reads that are under way will not be cached. */
  invalidate(key?: CredentialKey): void
}

interface Flight {
  readonly promise: Promise<Credential | undefined>
  readonly controller: AbortController
  waiters: number
  settled: boolean
}

const seconds = (maximum: number) =>
  z
    .number({ error: 'must be a number of seconds' })
    .check(
      z.gte(0, { error: 'must not be negative' }),
      z.lte(maximum, { error: `must be at most ${maximum}` }),
    )

const isStore = (value: unknown) =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'get') === 'function'

const Options = z.strictObject({
  store: z.custom<TokenStore>(isStore, { error: 'must be a TokenStore' }),
  ttlSeconds: z._default(seconds(3600), 60),
  negativeTtlSeconds: z._default(seconds(5), 5),
  maxEntries: z._default(
    z.int({ error: 'must be an integer' }).check(z.gte(1, { error: 'must be at least 1' })),
    1000,
  ),
  serveStaleSeconds: z._default(seconds(86_400), 0),
  now: z.optional(
    z.custom<() => number>((value) => typeof value === 'function', { error: 'must be a function' }),
  ),
})

const isUnavailable = (error: unknown) =>
  isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'

/**
 * Puts a bounded cache in front of a store.
 *
 * Writes and deletes through it are visible at once; those of other processes after `ttlSeconds`, or as
 * soon as the store tells of them where it has `watch`, to which the cache subscribes at its first use.
 * Parallel reads of one key share one read of the store, except on Workers. Errors are never cached,
 * and no credential is served from the cache after its `expiresAt`. A reader that aborts does not
 * disturb the others. `close()` closes the store behind it too.
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 */
export function cachedTokenStore(
  store: TokenStore,
  options: CachedTokenStoreOptions = {},
): CachedTokenStore {
  const {
    ttlSeconds,
    negativeTtlSeconds,
    maxEntries,
    serveStaleSeconds,
    now = Date.now,
  } = parseOptions('cachedTokenStore', Options, { store, ...options })
  const entries = new LRUCache<string, CacheEntry>({
    max: maxEntries,
    dispose: ({ unwatch }) => unwatch(),
  })
  const flights = new Map<string, Flight>()
  const shared = sharesPromises()
  const overlaps = createOverlapTracker()
  const watched = createWatchedKeys(store, (id) => (id === undefined ? forgetAll() : forget(id)))
  let closed = false

  function put(id: string, entry: Omit<CacheEntry, 'unwatch'>): void {
    // Held before the entry that is replaced lets go, so that no change falls in between.
    entries.set(id, { ...entry, unwatch: watched.hold(id) })
  }

  function keep(id: string, credential: Credential | undefined): void {
    const time = now()
    const end = (credential?.expiresAt ?? Number.POSITIVE_INFINITY) * 1000
    const ttl = credential === undefined ? negativeTtlSeconds : ttlSeconds
    const freshUntil = Math.min(time + ttl * 1000, end)
    // Absence is never served stale: whoever just connected would be asked to connect again.
    const stale = credential === undefined ? 0 : serveStaleSeconds
    const staleUntil = Math.min(freshUntil + stale * 1000, end)
    if (staleUntil > time) put(id, { credential, storedAt: time, freshUntil, staleUntil })
    else entries.delete(id)
  }

  function forget(id: string): void {
    entries.delete(id)
    // The read goes on for those who wait for it, but later readers start a new one.
    flights.delete(id)
    overlaps.touch(id)
  }

  function forgetAll(): void {
    entries.clear()
    flights.clear()
    overlaps.touchAll()
  }

  async function read(key: CredentialKey, id: string, signal: AbortSignal | undefined) {
    const begun = watched.begin(id)
    const unwatch = begun instanceof Promise ? await begun : begun
    const overlap = overlaps.begin(id)
    const held = entries.peek(id)
    const stale = held !== undefined && isServable(held, now()) ? held : undefined
    try {
      const credential =
        stale?.credential === undefined
          ? await store.get(key, { signal })
          : await withDeadline(STALE_AFTER_MILLISECONDS, signal, (each) =>
              store.get(key, { signal: each }),
            )
      if (!overlap.touched && !closed) keep(id, credential)
      return credential
    } catch (error) {
      if (stale === undefined || !isUnavailable(error) || !isServable(stale, now())) throw error
      // A local write during the read makes the stale value wrong, not merely old.
      if (overlap.touched) throw error
      const freshUntil = Math.min(now() + STALE_RETRY_MILLISECONDS, stale.staleUntil)
      put(id, { ...stale, freshUntil })
      return stale.credential
    } finally {
      overlaps.end(overlap)
      unwatch()
    }
  }

  function startFlight(key: CredentialKey, id: string): Flight {
    const controller = new AbortController()
    const promise = read(key, id, controller.signal)
    const flight: Flight = { controller, promise, waiters: 0, settled: false }
    flights.set(id, flight)
    const settle = () => {
      flight.settled = true
      if (flights.get(id) === flight) flights.delete(id)
    }
    promise.then(settle, settle)
    return flight
  }

  async function join(flight: Flight, id: string, signal: AbortSignal | undefined) {
    flight.waiters++
    try {
      return await untilAborted(flight.promise, signal)
    } finally {
      if (--flight.waiters === 0 && !flight.settled) {
        // Nobody waits any more: the next reader must not join a read that is being aborted.
        if (flights.get(id) === flight) flights.delete(id)
        flight.controller.abort(signal?.reason)
      }
    }
  }

  /** Asks past the cache, which keeps what it holds unless that was found to be wrong. */
  async function readYoung(key: CredentialKey, id: string, options: CredentialGetOptions) {
    const credential = await store.get(key, options)
    if (entries.peek(id)?.credential?.version !== credential?.version) forget(id)
    return credential
  }

  async function write<Value>(
    key: CredentialKey,
    run: () => Promise<Value>,
    stored: (value: Value) => Credential | undefined,
  ): Promise<Value> {
    const id = credentialKeyId(key)
    forget(id)
    const begun = watched.begin(id)
    const unwatch = begun instanceof Promise ? await begun : begun
    const overlap = overlaps.begin(id)
    try {
      const value = await run()
      const alone = !overlap.touched
      forget(id)
      // Of two overlapping writes nobody here knows which one the store took last.
      if (alone && !closed) keep(id, stored(value))
      return value
    } catch (error) {
      // A write that failed may have been made all the same.
      forget(id)
      throw error
    } finally {
      overlaps.end(overlap)
      unwatch()
    }
  }

  function fresh(id: string): CacheEntry | undefined {
    const entry = entries.get(id)
    return entry !== undefined && isFresh(entry, now()) ? entry : undefined
  }

  const { lease, tombstone, tombstones, watch } = store
  return {
    name: store.name,
    capabilities: store.capabilities,

    get(key, options) {
      if (closed) return Promise.reject(new StoreUnavailableError('the cached store is closed'))
      const signal = options?.signal
      if (signal?.aborted) return Promise.reject(signal.reason)
      try {
        // A key that was cached has been validated; this path costs less than a microsecond.
        const id = credentialKeyId(key)
        const entry = fresh(id)
        const maxAge = options?.maxAgeSeconds
        if (entry !== undefined && (maxAge === undefined || isYoung(entry, maxAge, now()))) {
          return Promise.resolve(entry.credential)
        }
        const checked = validateCredentialKey(key)
        if (maxAge !== undefined) return readYoung(checked, id, { signal, maxAgeSeconds: maxAge })
        if (!shared) return read(checked, id, signal)
        return join(flights.get(id) ?? startFlight(checked, id), id, signal)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    set: (key, input, options) =>
      write(
        validateCredentialKey(key),
        () => store.set(key, input, options),
        (value) => value,
      ),
    delete: (key, options) =>
      write(
        validateCredentialKey(key),
        () => store.delete(key, options),
        () => undefined,
      ),
    ...(lease && { lease: (key, ttlSeconds) => lease.call(store, key, ttlSeconds) }),
    ...(tombstone && { tombstone: (key, options) => tombstone.call(store, key, options) }),
    ...(tombstones && { tombstones: (filter) => tombstones.call(store, filter) }),
    ...(watch && { watch: (onChange) => watch.call(store, onChange) }),
    keys: (filter) => store.keys(filter),
    check: () => store.check(),
    async close() {
      closed = true
      watched.stop()
      entries.clear()
      flights.clear()
      await store.close()
    },

    peek: (key) => fresh(credentialKeyId(key))?.credential,
    invalidate(key) {
      if (key === undefined) forgetAll()
      else forget(credentialKeyId(key))
    },
  }
}
