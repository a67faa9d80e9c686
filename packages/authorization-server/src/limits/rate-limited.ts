import type { RateLimits, Use } from './rate-limits.js'

/** Too many requests. Answered as 429, whatever was being done. */
export class RateLimitedError extends Error {
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super('too many requests')
    this.name = 'RateLimitedError'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/**
 * Counts one of each use.
 *
 * @throws {@link RateLimitedError} when any of them is too much.
 */
export async function enforceLimits(limits: RateLimits, ...uses: readonly Use[]): Promise<void> {
  const wait = await limits.take(...uses)
  if (wait !== undefined) throw new RateLimitedError(wait)
}
