import type { Database } from '@bestviable/mcp-auth-store-postgres'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { EventSink } from '../engine/events.js'
import type { Secrets } from '../engine/secrets.js'
import { createDatabaseCounters } from './database-counters.js'
import { DatabaseLimiter } from './database-limiter.js'
import { LIMIT_NAMES, type LimitName, type LimitSettings, type RateLimit } from './limit-options.js'

/** One use of something that is limited. */
export interface Use {
  readonly limit: LimitName
  /** Whom the limit counts: an address first, and what else tells callers apart. */
  readonly key: readonly [address: string, ...rest: readonly string[]]
}

/** What may be done how often. Nothing here ever rejects, and an outage makes no request wait for long. */
export interface RateLimits {
  /** Counts one of each. Resolves with the seconds to wait when any of them is too much. */
  take(...uses: readonly Use[]): Promise<number | undefined>
  /** Takes back one that turned out not to count. */
  giveBack(use: Use): Promise<void>
  /**
   * Seconds to wait where too many were counted before, without counting. Knows at once what this
   * process has counted, and of other instances when it counts itself again.
   */
  waitFor(use: Use): Promise<number | undefined>
}

interface Limiter {
  readonly limit: RateLimit
  readonly limiter: DatabaseLimiter | RateLimiterMemory
}

const PURPOSE = 'rate limit'

/** Limits of which only failures count are refused from the last one that counts. */
const COUNTS_FAILURES: ReadonlySet<LimitName> = new Set(['clientAuthentication'])

function secondsOf(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}

/**
 * Creates the limits: counted in the database where that is a PostgreSQL, which several instances may
 * share, and otherwise, or while it fails, in this process. Whom a limit counts is stored as a keyed hash.
 */
export function createRateLimits(options: {
  readonly settings: LimitSettings
  /** Without one, or with an embedded one, this process counts for itself. */
  readonly database: Database | undefined
  readonly secrets: Secrets
  readonly events: EventSink
}): RateLimits {
  const { settings, database, secrets, events } = options
  const counters =
    database?.engine === 'postgres'
      ? createDatabaseCounters(database, () =>
          events.tell({ event: 'rate-limits.fallback', outcome: 'failed', reason: 'unavailable' }),
        )
      : undefined

  const createLimiter = (name: LimitName, { points, durationSeconds }: RateLimit) => {
    if (counters === undefined) {
      return new RateLimiterMemory({ keyPrefix: '', points, duration: durationSeconds })
    }
    const refuseFrom = COUNTS_FAILURES.has(name) ? points : points + 1
    return new DatabaseLimiter(counters, { points, durationSeconds, refuseFrom })
  }
  const limiters = new Map<LimitName, Limiter>()
  for (const name of LIMIT_NAMES) {
    const limit = settings[name]
    if (limit !== undefined) limiters.set(name, { limit, limiter: createLimiter(name, limit) })
  }

  const keyOf = ({ limit, key }: Use): string =>
    Buffer.from(secrets.sign(PURPOSE, limit, ...key), 'base64url').toString('hex')

  async function takeOne(use: Use): Promise<number | undefined> {
    const found = limiters.get(use.limit)
    if (found === undefined) return undefined
    try {
      await found.limiter.consume(keyOf(use))
      return undefined
    } catch (result) {
      // Whatever else fails here is no reason to refuse anybody.
      if (!(result instanceof RateLimiterRes)) return undefined
      // Once in a window; what is refused from memory says nothing of how often.
      if (result.consumedPoints === found.limit.points + 1) {
        const [address] = use.key
        events.tell({
          event: 'rate-limited',
          outcome: 'denied',
          reason: 'too_many',
          details: { limit: use.limit, address },
        })
      }
      return secondsOf(result.msBeforeNext)
    }
  }

  return {
    async take(...uses) {
      const waits = await Promise.all(uses.map(takeOne))
      const longest = Math.max(0, ...waits.map((wait) => wait ?? 0))
      return longest === 0 ? undefined : longest
    },
    async giveBack(use) {
      await limiters
        .get(use.limit)
        ?.limiter.reward(keyOf(use))
        .catch(() => undefined)
    },
    async waitFor(use) {
      const found = limiters.get(use.limit)
      if (found === undefined) return undefined
      const { limit, limiter } = found
      const key = keyOf(use)
      if (limiter instanceof DatabaseLimiter) {
        const milliseconds = await limiter.refusedFor(key)
        return milliseconds === 0 ? undefined : secondsOf(milliseconds)
      }
      const count = await limiter.get(key)
      return count !== null && count.consumedPoints >= limit.points
        ? secondsOf(count.msBeforeNext)
        : undefined
    },
  }
}
