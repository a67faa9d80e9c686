import { createPgliteDatabase } from '../pglite/pglite-database.js'
import { manageSchema } from '../schema/managed-database.js'
import type { Database } from './database.js'
import { type DatabaseOptions, parseDatabaseOptions } from './options.js'
import { createPostgresDatabase } from './postgres-database.js'

/**
 * Creates a database for stores to share: PostgreSQL by connection string or by a Pool of `pg`, or
 * PGlite in a folder.
 *
 * Connects with the first statement, and then applies or verifies the schema. Every call has a
 * deadline that includes waiting for a connection: 2 s for a read, 5 s for a write. A connection on
 * which a deadline passed is not used again.
 *
 * @example
 * ```ts
 * const database = createDatabase({ connectionString: 'postgresql://mcp@db.example/mcp', ssl: true })
 * ```
 *
 * @throws {@link ConfigurationError} at once, naming every option that is not usable and never a value.
 */
export function createDatabase(options: DatabaseOptions): Database {
  const parsed = parseDatabaseOptions(options)
  const {
    dataDir,
    schema,
    listen,
    migrate,
    locks,
    pollMilliseconds,
    attach,
    adminSocket,
    onError,
  } = parsed
  if (dataDir !== undefined) {
    return createPgliteDatabase({
      dataDir,
      schema,
      listen,
      migrate,
      locks,
      pollMilliseconds,
      attach,
      adminSocket,
      onError,
    })
  }
  return manageSchema(createPostgresDatabase(parsed), { migrate, locks })
}
