import type { Credential } from './token-store.js'

/** What the cache holds for one key. */
export interface CacheEntry {
  readonly credential: Credential | undefined
  /** Epoch milliseconds, as are the others. An earlier time means that the clock was set back. */
  readonly storedAt: number
  readonly freshUntil: number
  readonly staleUntil: number
  /** Ends the subscription to changes of the key. */
  readonly unwatch: () => void
}

/** Whether an entry may be served without asking the store. */
export const isFresh = (entry: CacheEntry, time: number) =>
  time >= entry.storedAt && time < entry.freshUntil

/** Whether an entry may be served while the store is unavailable. */
export const isServable = (entry: CacheEntry, time: number) =>
  time >= entry.storedAt && time < entry.staleUntil

/** Whether an entry was read in the last `seconds`. */
export const isYoung = (entry: CacheEntry, seconds: number, time: number) =>
  time < entry.storedAt + seconds * 1000
