const WINDOW_MILLISECONDS = 60_000
const CAPACITY = 10_000

/** Decides which of many equal events is written. */
export interface ReadSampler {
  /**
   * Resolves at once for an event that was written within the last minute. Otherwise calls `write` and
   * settles as it does; equal events that come meanwhile share its promise.
   */
  once(identity: string, write: () => Promise<void>): Promise<void>
}

interface Sample {
  readonly at: number
  /** Settles with the write, so that nobody is told of an audit that then fails. */
  readonly written: Promise<void>
}

/**
 * Creates a sampler that lets one event per identity and minute through. It remembers 10,000
 * identities; of more, some are written more often than once a minute, none less often.
 */
export function createReadSampler(now: () => number): ReadSampler {
  const samples = new Map<string, Sample>()

  return {
    once(identity, write) {
      const at = now()
      const last = samples.get(identity)
      // A clock that was set back starts a new window.
      if (last !== undefined && at >= last.at && at - last.at < WINDOW_MILLISECONDS) {
        return last.written
      }
      const sample = { at, written: write() }
      // Deleted first, so that the order of the map is the order of the windows.
      samples.delete(identity)
      samples.set(identity, sample)
      if (samples.size > CAPACITY) {
        for (const oldest of samples.keys()) {
          samples.delete(oldest)
          break
        }
      }
      sample.written.catch(() => {
        if (samples.get(identity) === sample) samples.delete(identity)
      })
      return sample.written
    },
  }
}
