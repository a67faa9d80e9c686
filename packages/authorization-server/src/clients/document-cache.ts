import type { ClientMetadata } from './client-policy.js'

interface Entry {
  readonly metadata: ClientMetadata
  readonly bytes: number
  /** Epoch milliseconds. */
  readonly storedAt: number
  readonly expiresAt: number
}

/** Documents that were found good, the least recently used one leaving first. */
export interface DocumentCache {
  get(id: string, now: number): ClientMetadata | undefined
  set(
    id: string,
    entry: {
      readonly metadata: ClientMetadata
      readonly bytes: number
      readonly expiresAt: number
    },
    now: number,
  ): void
  clear(): void
  readonly size: number
  /** Of ids and documents as they were received. */
  readonly bytes: number
}

/** Creates a cache that is bounded by entries and by bytes. Never returns what has expired. */
export function createDocumentCache(maxEntries: number, maxBytes: number): DocumentCache {
  const entries = new Map<string, Entry>()
  let total = 0

  function remove(id: string): void {
    total -= entries.get(id)?.bytes ?? 0
    entries.delete(id)
  }

  return {
    get(id, now) {
      const entry = entries.get(id)
      if (entry === undefined) return undefined
      remove(id)
      // A clock that was set back must not make a document live longer.
      if (now >= entry.expiresAt || now < entry.storedAt) return undefined
      // Moves to the end, which is where the most recently used one is.
      entries.set(id, entry)
      total += entry.bytes
      return entry.metadata
    },
    set(id, { metadata, bytes, expiresAt }, now) {
      remove(id)
      const entry = { metadata, bytes: bytes + id.length, storedAt: now, expiresAt }
      entries.set(id, entry)
      total += entry.bytes
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries && total <= maxBytes) break
        remove(oldest)
      }
    },
    clear() {
      entries.clear()
      total = 0
    },
    get size() {
      return entries.size
    },
    get bytes() {
      return total
    },
  }
}
