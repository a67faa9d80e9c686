/** What an entry of an {@link LruMap} has beside its own: the key, and two links that start undefined. */
export interface LruEntry<Entry> {
  readonly key: string
  older: Entry | undefined
  newer: Entry | undefined
}

/** A bounded map whose entries are kept in the order of their use. */
export interface LruMap<Entry extends LruEntry<Entry>> {
  /** Makes an entry the most recently used one. */
  get(key: string): Entry | undefined
  /** Keeps an entry under its key. When there is no room, the least recently used one goes. */
  set(entry: Entry): void
  delete(key: string): void
  readonly size: number
}

/**
 * Creates an empty map of up to `maxEntries`. The order is a list through the entries themselves: it needs
 * no objects of its own, and no operation depends on how many there are.
 */
export function createLruMap<Entry extends LruEntry<Entry>>(maxEntries: number): LruMap<Entry> {
  const entries = new Map<string, Entry>()
  let oldest: Entry | undefined
  let newest: Entry | undefined

  function unlink(entry: Entry): void {
    if (entry.older === undefined) oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) newest = entry.older
    else entry.newer.older = entry.older
  }

  function append(entry: Entry): void {
    entry.older = newest
    entry.newer = undefined
    if (newest === undefined) oldest = entry
    else newest.newer = entry
    newest = entry
  }

  function remove(entry: Entry | undefined): void {
    if (entry === undefined) return
    unlink(entry)
    entries.delete(entry.key)
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (entry !== undefined && entry !== newest) {
        unlink(entry)
        append(entry)
      }
      return entry
    },
    set(entry) {
      remove(entries.get(entry.key))
      if (entries.size >= maxEntries) remove(oldest)
      entries.set(entry.key, entry)
      append(entry)
    },
    delete: (key) => remove(entries.get(key)),
    get size() {
      return entries.size
    },
  }
}
