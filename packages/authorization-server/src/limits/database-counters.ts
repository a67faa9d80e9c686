import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { Database, SqlRow, Statement } from '@bestviable/mcp-auth-store-postgres'

/** How often something was done in its window. */
export interface Count {
  readonly points: number
  /** Milliseconds until the window ends. */
  readonly millisecondsLeft: number
}

/** Counters that all instances share. A window begins with the first use and is not prolonged by others. */
export interface DatabaseCounters {
  /**
   * Adds points, in a new window when the old one is over, and resolves with the sum. Rejects when the
   * database does not answer in time.
   *
   * @param key - 32 bytes in hexadecimal.
   */
  add(key: string, points: number, windowMilliseconds: number): Promise<Count>
}

/** Longer than this no request waits for its limits, in milliseconds. */
const DEADLINE = 250
/** Time in which the database is left alone after it failed, in milliseconds. */
const PAUSE = 2_000

// A window that would last longer than a new one, but for the time that a statement may have waited,
// was begun under another duration, or before the clock of the database was set back.
const IS_OPEN = `counter.expires_at > clock_timestamp()
    AND counter.expires_at <= EXCLUDED.expires_at + interval '10 seconds'`

const addPoints: Statement = {
  name: 'mcp_auth_as_rate_limits_add',
  text: `INSERT INTO {schema}.rate_limits AS counter (limit_key, points, expires_at)
SELECT entry.limit_key, entry.points::integer,
  clock_timestamp() + entry.milliseconds::float8 * interval '1 millisecond'
FROM unnest($1::bytea[], $2::text[], $3::text[]) AS entry (limit_key, points, milliseconds)
ON CONFLICT (limit_key) DO UPDATE SET
  points = CASE WHEN ${IS_OPEN}
    THEN greatest(counter.points + EXCLUDED.points, 0) ELSE greatest(EXCLUDED.points, 0) END,
  expires_at = CASE WHEN ${IS_OPEN} THEN counter.expires_at ELSE EXCLUDED.expires_at END
RETURNING encode(limit_key, 'hex') AS key, points,
  extract(epoch FROM expires_at - clock_timestamp())::float8 * 1000 AS milliseconds`,
}

interface Waiting {
  /** Points of this call and of those before it in the batch. */
  readonly sum: number
  resolve(count: Count): void
  reject(error: unknown): void
}

interface Entry {
  points: number
  readonly windowMilliseconds: number
  readonly waiting: Waiting[]
}

function settle(entry: Entry, row: SqlRow | undefined): void {
  const [points, millisecondsLeft] = [Number(row?.points), Number(row?.milliseconds)]
  for (const { sum, resolve, reject } of entry.waiting) {
    if (!Number.isFinite(points) || !Number.isFinite(millisecondsLeft)) {
      reject(new StoreUnavailableError('the database did not count'))
      continue
    }
    const own = Math.max(0, points - (entry.points - sum))
    resolve({ points: own, millisecondsLeft: Math.max(0, millisecondsLeft) })
  }
}

/**
 * Counts in the database, for all instances together and by its clock. What is counted in one turn of
 * the event loop is one statement, so that a request with several limits costs one.
 *
 * A statement has 250 ms. After a failure the database is left alone for 2 s, so that an outage does not
 * delay every request: `add` then rejects at once.
 *
 * @param onFailure - told once when the database fails, until it has counted again.
 */
export function createDatabaseCounters(
  database: Database,
  onFailure: () => void,
): DatabaseCounters {
  let batch: Map<string, Entry> | undefined
  let pausedUntil = 0
  let hasFailed = false

  async function flush(entries: ReadonlyMap<string, Entry>): Promise<void> {
    // In one order everywhere: two statements never wait for each other's rows.
    const sorted = [...entries].sort(([left], [right]) => (left < right ? -1 : 1))
    const rows = await database.query(
      addPoints,
      [
        sorted.map(([key]) => Buffer.from(key, 'hex')),
        sorted.map(([, { points }]) => String(points)),
        sorted.map(([, { windowMilliseconds }]) => String(windowMilliseconds)),
      ],
      { kind: 'write', timeoutMilliseconds: DEADLINE },
    )
    hasFailed = false
    for (const [key, entry] of sorted) {
      settle(
        entry,
        rows.find((row) => row.key === key),
      )
    }
  }

  function fail(entries: ReadonlyMap<string, Entry>, error: unknown): void {
    pausedUntil = performance.now() + PAUSE
    if (!hasFailed) onFailure()
    hasFailed = true
    for (const { waiting } of entries.values()) for (const { reject } of waiting) reject(error)
  }

  function collect(): Map<string, Entry> {
    if (batch !== undefined) return batch
    const entries = new Map<string, Entry>()
    batch = entries
    queueMicrotask(() => {
      batch = undefined
      flush(entries).catch((error: unknown) => fail(entries, error))
    })
    return entries
  }

  return {
    add(key, points, windowMilliseconds) {
      if (performance.now() < pausedUntil) {
        return Promise.reject(new StoreUnavailableError('the database does not count now'))
      }
      const entries = collect()
      const entry = entries.get(key) ?? { points: 0, windowMilliseconds, waiting: [] }
      entries.set(key, entry)
      entry.points += points
      const { points: sum } = entry
      return new Promise((resolve, reject) => entry.waiting.push({ sum, resolve, reject }))
    },
  }
}
