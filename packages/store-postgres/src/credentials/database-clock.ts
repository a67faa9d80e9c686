import type { Database, SqlRow, Statement } from '../database/database.js'

const readClock: Statement = Object.freeze({
  name: 'mcp_auth_clock_read',
  text: 'SELECT extract(epoch FROM clock_timestamp())::float8 AS clock',
})

/** The clock of the database, as far as its answers have told. */
export interface DatabaseClock {
  /** Asks the database once; later calls use what answers have told since. */
  read(): Promise<void>
  /** Epoch seconds, on the clock of the database, that lie so many milliseconds ahead. */
  ahead(milliseconds: number): number
  /** Takes the column `clock` of an answer that arrived now. */
  learn(row: SqlRow): void
}

/**
 * Follows the clock of the database, so that a write can carry the moment at which its caller is told
 * that it failed: bytes that a network held back and delivers later must not overwrite what was written
 * since. Neither the clock of this machine nor a change of it matters.
 */
export function createDatabaseClock(database: Database): DatabaseClock {
  let offset = 0

  function learn({ clock }: SqlRow): void {
    // The answer took a while to arrive, so that every deadline is early by that while and never late.
    if (typeof clock === 'number') offset = clock - performance.now() / 1000
  }

  return {
    async read() {
      for (const row of await database.query(readClock, [])) learn(row)
    },
    ahead: (milliseconds) => offset + (performance.now() + milliseconds) / 1000,
    learn,
  }
}
