import { FetchFailure } from './fetch-failure.js'

const WINDOW_MILLISECONDS = 60_000

/** Limits of {@link createFetchBudget}. */
export interface FetchLimits {
  readonly perMinute: number
  readonly perHostPerMinute: number
  readonly atOnce: number
}

/** Bounds what strangers can make this server fetch. */
export interface FetchBudget {
  /**
   * Counts a fetch. The returned function is to be called when it has ended.
   *
   * @throws FetchFailure at once when a limit is reached.
   */
  take(host: string): () => void
}

/** Creates a budget over the last 60 seconds. Holds at most `perMinute` entries. */
export function createFetchBudget(limits: FetchLimits, now: () => number): FetchBudget {
  let recent: readonly { readonly host: string; readonly at: number }[] = []
  let running = 0

  return {
    take(host) {
      const time = now()
      // Also forgets entries from the future, which a clock set back leaves behind.
      recent = recent.filter(({ at }) => at <= time && time - at < WINDOW_MILLISECONDS)
      const ofHost = recent.filter((entry) => entry.host === host).length
      if (ofHost >= limits.perHostPerMinute)
        throw new FetchFailure('unavailable', 'host_budget_used')
      if (recent.length >= limits.perMinute) throw new FetchFailure('unavailable', 'budget_used')
      if (running >= limits.atOnce) throw new FetchFailure('unavailable', 'too_many_at_once')
      recent = [...recent, { host, at: time }]
      running += 1
      return () => {
        running -= 1
      }
    },
  }
}
