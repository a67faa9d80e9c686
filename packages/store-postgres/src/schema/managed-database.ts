import type { Database, QueryOptions } from '../database/database.js'
import { DEADLINES, deadlineOf } from '../database/deadlines.js'
import type { RawDatabase } from '../database/raw-database.js'
import { waitAtMost } from '../database/wait-at-most.js'
import {
  applyPendingMigrations,
  findPendingMigrations,
  type MigrationContext,
  type MigrationLock,
  verifyMigrations,
} from './migrate.js'
import type { Migration } from './migration.js'
import { migrations as ownMigrations } from './migrations.js'

/** How a database comes by its tables. */
export interface SchemaOptions {
  readonly migrate: 'auto' | 'verify'
  readonly locks: MigrationLock
  /** For tests. Default: the migrations of this release. */
  readonly migrations?: readonly Migration[] | undefined
}

const contexts = new WeakMap<Database, MigrationContext>()

function contextOf(database: Database): MigrationContext {
  const context = contexts.get(database)
  if (context === undefined) throw new TypeError('not a database made by createDatabase')
  return context
}

/** Migrations of this release that a database lacks. Writes nothing and waits for nothing. */
export function pendingMigrations(database: Database): Promise<readonly Migration[]> {
  return findPendingMigrations(contextOf(database))
}

/**
 * Applies the migrations that a database lacks, also where it was made with `migrate: 'verify'`, and
 * resolves with those that this call applied.
 */
export function applyMigrations(database: Database): Promise<readonly Migration[]> {
  return applyPendingMigrations(contextOf(database))
}

/**
 * Makes a {@link Database} of an engine: every statement waits until the schema was applied or
 * verified, once per process. While that fails, for example because the database is down, every
 * statement tries again.
 */
export function manageSchema(raw: RawDatabase, options: SchemaOptions): Database {
  const context: MigrationContext = {
    raw,
    lock: options.locks,
    migrations: options.migrations ?? ownMigrations,
  }
  let isReady = false
  let preparing: Promise<void> | undefined

  async function prepare(): Promise<void> {
    if (options.migrate === 'auto') await applyPendingMigrations(context)
    else await verifyMigrations(context)
    isReady = true
  }

  function prepareOnce(): Promise<void> {
    preparing ??= prepare().finally(() => {
      preparing = undefined
    })
    return preparing
  }

  /** Waits within the deadline of the statement and returns what is left of it. */
  async function afterReady(queryOptions: QueryOptions | undefined): Promise<QueryOptions> {
    const signal = queryOptions?.signal
    signal?.throwIfAborted()
    const milliseconds = deadlineOf(queryOptions)
    const started = performance.now()
    await waitAtMost(prepareOnce(), milliseconds, signal)
    const left = Math.max(1, milliseconds - (performance.now() - started))
    return { ...queryOptions, timeoutMilliseconds: left }
  }

  const database: Database = {
    engine: raw.engine,
    schema: raw.schema,
    listens: raw.listens,
    pollMilliseconds: raw.pollMilliseconds,
    query(statement, values, queryOptions) {
      if (isReady) return raw.query(statement, values, queryOptions)
      return afterReady(queryOptions).then((rest) => raw.query(statement, values, rest))
    },
    transaction(run, queryOptions) {
      if (isReady) return raw.transaction(run, queryOptions)
      return afterReady(queryOptions).then((rest) => raw.transaction(run, rest))
    },
    listen: (channel, listener) => raw.listen(channel, listener),
    async ready(queryOptions) {
      if (isReady) return
      queryOptions?.signal?.throwIfAborted()
      const milliseconds = queryOptions?.timeoutMilliseconds ?? DEADLINES.maintenance
      await waitAtMost(prepareOnce(), milliseconds, queryOptions?.signal)
    },
    close: () => raw.close(),
  }
  contexts.set(database, context)
  return database
}
