import { expect } from 'vitest'
import type { Database, Statement } from '../../src/database/database.js'

/** Milliseconds in which every call of a read is answered, whatever has failed (X27, F11). */
export const LIMIT_MILLISECONDS = 2_500
/** Milliseconds after which everything works again once the database is back (F01). */
const SERVICE_MILLISECONDS = 5_000

/** A read that needs the schema. */
export const COUNT: Statement = {
  name: 'test_count',
  text: 'SELECT count(*) AS n FROM {schema}.leases',
}

/** Expects that all calls are answered as an outage, in time. */
export async function expectOutage(calls: readonly Promise<unknown>[]): Promise<void> {
  const started = performance.now()
  const outcomes = await Promise.allSettled(calls)
  expect(performance.now() - started).toBeLessThan(LIMIT_MILLISECONDS)
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_UNAVAILABLE' } })
  }
}

/** Makes the same several times. */
export function times<Value>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make)
}

/** Expects that all of several parallel calls succeed again, in time. */
export async function expectService(database: Database): Promise<void> {
  const started = performance.now()
  await expect
    .poll(
      async () => {
        const outcomes = await Promise.allSettled(times(10, () => database.query(COUNT)))
        return outcomes.filter(({ status }) => status === 'rejected').length
      },
      { timeout: SERVICE_MILLISECONDS, interval: 50 },
    )
    .toBe(0)
  expect(performance.now() - started).toBeLessThan(SERVICE_MILLISECONDS)
}
