import type { Database, SqlRow, SqlValue, Statement } from '../../src/database/database.js'

/** One statement that went through a {@link recordingDatabase}. */
export interface RecordedQuery {
  readonly name: string
  readonly rows: readonly SqlRow[]
  readonly values: readonly SqlValue[]
}

/**
 * Passes everything on and tells what ran. `before` runs ahead of each statement outside of
 * transactions, so that a test can do something between two of them.
 */
export function recordingDatabase(
  database: Database,
  observe: {
    before?(statement: Statement): Promise<void> | void
    after?(query: RecordedQuery): void
  },
): Database {
  return {
    ...database,
    async query(statement, values = [], options) {
      await observe.before?.(statement)
      const rows = await database.query(statement, values, options)
      observe.after?.({ name: statement.name, rows, values })
      return rows
    },
  }
}
