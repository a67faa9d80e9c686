import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { WrappedKey } from './key-provider.js'

const TTL_MILLISECONDS = 5 * 60 * 1000

/** Unwraps through the cache, or by `load` when the data key is not in it. */
export type UnwrapCache = (
  wrapped: WrappedKey,
  associatedData: Uint8Array,
  load: () => Uint8Array | Promise<Uint8Array>,
) => KeyObject | Promise<KeyObject>

function digestOf({ bytes }: WrappedKey, associatedData: Uint8Array): string {
  // The length in front: bytes that move from one part to the other must give another digest. The
  // key id is the last part of the associated data.
  const length = Buffer.alloc(4)
  length.writeUInt32BE(associatedData.length)
  return createHash('sha256').update(length).update(associatedData).update(bytes).digest('base64')
}

/**
 * Keeps up to `entries` data keys for 5 minutes, least recently used out first. Parallel misses for
 * one key share one call of the provider. Failures are not kept.
 */
export function createUnwrapCache(entries: number): UnwrapCache {
  // Key objects keep the bytes outside of the heap, hidden from `util.inspect`, and erase them when
  // they are collected. `ttlAutopurge` drops them on time even if nobody asks again.
  const keys = new LRUCache<string, KeyObject>({
    max: entries,
    ttl: TTL_MILLISECONDS,
    ttlAutopurge: true,
    // Looked up at each call: the library holds on to the clock of its own first import.
    perf: { now: () => performance.now() },
  })
  const flights = new Map<string, Promise<KeyObject>>()

  function keep(digest: string, dataKey: Uint8Array): KeyObject {
    const key = createSecretKey(dataKey)
    keys.set(digest, key)
    return key
  }

  return (wrapped, associatedData, load) => {
    const digest = digestOf(wrapped, associatedData)
    const held = keys.get(digest) ?? flights.get(digest)
    if (held !== undefined) return held
    const loaded = load()
    if (loaded instanceof Uint8Array) return keep(digest, loaded)
    const flight = loaded
      .then((dataKey) => keep(digest, dataKey))
      .finally(() => flights.delete(digest))
    flights.set(digest, flight)
    return flight
  }
}
