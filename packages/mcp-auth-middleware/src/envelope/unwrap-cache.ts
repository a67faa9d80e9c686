import { createSecretKey, hash, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { WrappedKey } from './key-provider.js'

const TTL_MILLISECONDS = 5 * 60 * 1000

/** Unwraps through the cache, or by `load` when the data key is not in it. */
export type UnwrapCache = (
  wrapped: WrappedKey,
  associatedData: Uint8Array,
  load: () => Uint8Array | Promise<Uint8Array>,
) => KeyObject | Promise<KeyObject>

const IDENTITY_LENGTH = 512

function toLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Names a wrapped key in its place, which holds the key id too. Injective, as far as SHA-256 is. */
function identify({ bytes }: WrappedKey, associatedData: Uint8Array): string {
  // The length in front: bytes that move from one part to the other must give another text.
  const text = `${associatedData.length}:${toLatin1(associatedData)}${toLatin1(bytes)}`
  // Text that fits is compared in a fraction of the time that a digest takes.
  return text.length <= IDENTITY_LENGTH ? text : hash('sha256', text, 'base64')
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
    // Reading the clock costs less than the timer that would spare it.
    ttlResolution: 0,
    // Looked up at each call: the library holds on to the clock of its own first import.
    perf: { now: () => performance.now() },
  })
  const flights = new Map<string, Promise<KeyObject>>()

  function keep(identity: string, dataKey: Uint8Array): KeyObject {
    const key = createSecretKey(dataKey)
    keys.set(identity, key)
    return key
  }

  return (wrapped, associatedData, load) => {
    const identity = identify(wrapped, associatedData)
    const held = keys.get(identity) ?? flights.get(identity)
    if (held !== undefined) return held
    const loaded = load()
    if (loaded instanceof Uint8Array) return keep(identity, loaded)
    const flight = loaded
      .then((dataKey) => keep(identity, dataKey))
      .finally(() => flights.delete(identity))
    flights.set(identity, flight)
    return flight
  }
}
