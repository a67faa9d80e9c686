/** Tells first uses from others. */
export type IsFirstUse = (
  id: string,
  usableUntil: number,
  now: number,
) => boolean | Promise<boolean>

/**
 * Remembers in this process which proofs were used, until they are too old. Bounded: when there are more,
 * the one that was used first is forgotten.
 */
export function createUsedProofs(maxEntries: number): IsFirstUse {
  const used = new Map<string, number>()
  return (id, usableUntil, now) => {
    for (const [oldest, until] of used) {
      if (until >= now && used.size < maxEntries) break
      used.delete(oldest)
    }
    if (used.has(id)) return false
    used.set(id, usableUntil)
    return true
  }
}
