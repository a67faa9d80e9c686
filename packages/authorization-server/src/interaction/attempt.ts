import type { RateLimits, Use } from '../limits/rate-limits.js'

/** One attempt to get in by something that can be guessed. */
export interface Attempt {
  /** Seconds to wait; the attempt must not be made. */
  readonly wait: number | undefined
  /** It was no failed attempt, so it does not count. */
  undo(): Promise<void>
}

/**
 * Begins an attempt. It counts at once, so that many at the same time are no way around the limit, and
 * by network only: a name that a caller chooses would be a way around it as well.
 */
export async function beginAttempt(limits: RateLimits, network: string): Promise<Attempt> {
  const use: Use = { limit: 'signIn', key: [network] }
  const wait = await limits.take(use)
  return {
    wait,
    undo: () => (wait === undefined ? limits.giveBack(use) : Promise.resolve()),
  }
}
