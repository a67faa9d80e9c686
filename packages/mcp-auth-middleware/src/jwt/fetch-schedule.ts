/** Shortest time between two fetches that tokens can cause, in milliseconds. */
export const COOL_DOWN = 30_000

// From one attempt to the next: at most 5 in 10 s while they fail at once. Those that hang for the deadline
// of 3 s are repeated soon after it, so that service is back within 5 s of the keys.
const DISTANCE_WITHOUT_KEYS = [1000, 2300]
const PAUSE_WITHOUT_KEYS = 500
const BACK_OFF_WITH_KEYS = [1000, 2000, 4000, 8000, 16_000, 30_000]

/** When an issuer's keys may be fetched again. All times in epoch milliseconds. */
export interface FetchSchedule {
  /** Whether the last attempt failed. */
  readonly failing: boolean
  succeeded(now: number): void
  failed(now: number, startedAt: number): void
  /** Milliseconds until a failed fetch may be repeated; 0 when it may be, or nothing failed. */
  backOffLeft(now: number, holdsKeys: boolean): number
  /** Milliseconds until a token may cause a fetch; 0 when it may. */
  coolDownLeft(now: number): number
  /** Moves every remembered time, after the clock was set back. */
  shift(milliseconds: number): void
}

function delayAfter(failures: number, delays: readonly number[]): number {
  return delays[Math.min(failures, delays.length) - 1] ?? 0
}

/** Creates the schedule of one issuer, before its first attempt. */
export function createFetchSchedule(): FetchSchedule {
  /** End of the last attempt. */
  let attemptedAt: number | undefined
  let failedFrom = 0
  let failures = 0
  const left = (now: number, delay: number): number =>
    attemptedAt === undefined ? 0 : Math.max(0, attemptedAt + delay - now)

  return {
    get failing() {
      return failures > 0
    },
    succeeded(now) {
      attemptedAt = now
      failures = 0
    },
    failed(now, startedAt) {
      attemptedAt = now
      failedFrom = startedAt
      failures += 1
    },
    backOffLeft(now, holdsKeys) {
      if (failures === 0) return 0
      if (holdsKeys) return left(now, delayAfter(failures, BACK_OFF_WITH_KEYS))
      const due = failedFrom + delayAfter(failures, DISTANCE_WITHOUT_KEYS)
      return Math.max(due - now, left(now, PAUSE_WITHOUT_KEYS))
    },
    coolDownLeft: (now) => left(now, COOL_DOWN),
    shift(milliseconds) {
      if (attemptedAt !== undefined) attemptedAt += milliseconds
      failedFrom += milliseconds
    },
  }
}
