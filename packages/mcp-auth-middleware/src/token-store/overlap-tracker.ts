/** One operation on one key that is under way. */
export interface Overlap {
  readonly id: string
  touched: boolean
}

/** Tells whether anything happened to a key while an operation on it was under way. */
export interface OverlapTracker {
  begin(id: string): Overlap
  /** Marks every operation on the key that is under way. */
  touch(id: string): void
  touchAll(): void
  end(overlap: Overlap): void
}

/** Creates a tracker; it holds nothing while no operation is under way. */
export function createOverlapTracker(): OverlapTracker {
  const running = new Map<string, Set<Overlap>>()

  function touch(id: string): void {
    for (const overlap of running.get(id) ?? []) overlap.touched = true
  }

  return {
    begin(id) {
      const overlap = { id, touched: false }
      const others = running.get(id)
      if (others === undefined) running.set(id, new Set([overlap]))
      else others.add(overlap)
      return overlap
    },
    touch,
    touchAll() {
      for (const id of running.keys()) touch(id)
    },
    end(overlap) {
      const others = running.get(overlap.id)
      others?.delete(overlap)
      if (others?.size === 0) running.delete(overlap.id)
    },
  }
}
