import { setTimeout as delay } from 'node:timers/promises'
import { CodaError } from './errors.js'

/** Time as the Coda client sees it; tests replace it. */
export interface CodaClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The clock of this machine. */
export const systemClock: CodaClock = {
  now: Date.now,
  async sleep(ms, signal) {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  },
}

const firstDelayMs = 500
const longestDelayMs = 8_000

/**
 * Pause before retry number `retry` (0 is the first): half of it fixed, half random, doubling from
 * 0.5 to 8 seconds, so that callers that share one user's rate limit do not come back together.
 */
export function backoffMs(retry: number, random: number): number {
  const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** retry)
  return ceiling / 2 + (ceiling / 2) * random
}

/**
 * Repeats `attempt` while `mayRetry` accepts its error and the pause still ends before `deadlineAt`
 * (epoch milliseconds); otherwise rejects with the last error.
 */
export async function withRetries<Result>(
  options: {
    readonly clock: CodaClock
    readonly random: () => number
    readonly deadlineAt: number
    readonly signal: AbortSignal | undefined
    readonly mayRetry: (error: CodaError) => boolean
  },
  attempt: () => Promise<Result>,
): Promise<Result> {
  const { clock, random, deadlineAt, signal, mayRetry } = options
  for (let retry = 0; ; retry += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof CodaError) || !mayRetry(error)) throw error
      const pause = Math.max(backoffMs(retry, random()), error.retryAfterMs ?? 0)
      if (clock.now() + pause >= deadlineAt) throw error
      await clock.sleep(pause, signal)
    }
  }
}
