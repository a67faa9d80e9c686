import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { Count, DatabaseCounters } from './database-counters.js'

/** What a limiter allows. */
export interface LimiterOptions {
  readonly points: number
  readonly durationSeconds: number
  /** From so many points on this process refuses a key without asking again, until its window ends. */
  readonly refuseFrom: number
}

/**
 * The limiter of the library for PostgreSQL, over our counters: its own statement would need its own
 * table and connection, and takes the time of this process, which replicas do not share. The library
 * decides, remembers who is refused, and counts in memory when the database fails. The two methods are
 * what it asks of a store.
 */
export class DatabaseLimiter extends RateLimiterPostgres {
  // Inherited; the types of the library leave it out.
  declare readonly getInMemoryBlockMsBeforeExpire: (key: string) => number
  readonly #counters: DatabaseCounters
  readonly #memory: RateLimiterMemory

  constructor(
    counters: DatabaseCounters,
    { points, durationSeconds: duration, refuseFrom }: LimiterOptions,
  ) {
    const memory = new RateLimiterMemory({ keyPrefix: '', points, duration })
    super({
      storeClient: counters,
      storeType: 'client',
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix: '',
      tableName: 'rate_limits',
      points,
      duration,
      inMemoryBlockOnConsumed: refuseFrom,
      insuranceLimiter: memory,
    })
    this.#counters = counters
    this.#memory = memory
  }

  /** Milliseconds for which this process refuses a key, without asking; 0 when it does not. */
  async refusedFor(key: string): Promise<number> {
    const own = this.getInMemoryBlockMsBeforeExpire(key)
    const counted = await this.#memory.get(key)
    if (counted === null || counted.consumedPoints < this.points) return own
    return Math.max(own, counted.msBeforeNext)
  }

  _upsert(key: string, points: number, windowMilliseconds: number): Promise<Count> {
    return this.#counters.add(key, points, windowMilliseconds)
  }

  _getRateLimiterRes(_key: string, changed: number, count: Count): RateLimiterRes {
    const { points, millisecondsLeft } = count
    const remaining = Math.max(0, this.points - points)
    return new RateLimiterRes(remaining, millisecondsLeft, points, points === changed)
  }
}
