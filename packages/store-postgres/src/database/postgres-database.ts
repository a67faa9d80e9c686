import { StoreUnsupportedError } from '@bestviable/mcp-auth-middleware'
import pg from 'pg'
import { connectionConfig, connectionConfigOf } from './connection-config.js'
import { type ConnectionUser, createConnections } from './connections.js'
import type { QueryOptions, SqlRow, SqlValue, Statement } from './database.js'
import {
  databaseClosed,
  endsConnection,
  isConnectionLost,
  toStoreError,
} from './database-errors.js'
import { DEADLINES, deadlineOf } from './deadlines.js'
import { createListening } from './listening.js'
import type { ParsedDatabaseOptions } from './options.js'
import type { PgPool } from './pg-pool.js'
import type { RawDatabase } from './raw-database.js'
import { createStatementForms, queryOf } from './statement-forms.js'
import { runTransaction } from './transaction.js'

const MOST_CONNECTIONS = 5
// Idle connections end by themselves, so that a burst does not hold them for ever.
const IDLE_MILLISECONDS = 60_000
// A network that is gone lets no connection say goodbye.
const CLOSE_MILLISECONDS = 1_000

interface OwnPool {
  readonly pool: PgPool
  close(): Promise<void>
}

function createOwnPool(
  config: pg.ClientConfig,
  { maxConnections = MOST_CONNECTIONS, prepared }: ParsedDatabaseOptions,
): OwnPool {
  // Knows how to connect by itself: a Pool that is told a time for connecting starts a timer whenever it
  // hands out a connection.
  class PooledClient extends pg.Client {
    constructor() {
      // Poolers of transactions, for which statements are not prepared, need not know of pipelines.
      super({ ...config, pipeline: prepared })
    }
  }
  const pool = new pg.Pool({
    Client: PooledClient,
    max: maxConnections,
    idleTimeoutMillis: IDLE_MILLISECONDS,
    allowExitOnIdle: true,
  })
  const clients = new Set<pg.Client>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  return {
    pool,
    async close() {
      const timer = setTimeout(() => {
        for (const client of clients) client.connection.stream.destroy()
      }, CLOSE_MILLISECONDS)
      await pool.end().finally(() => clearTimeout(timer))
    },
  }
}

// A Pool without a listener ends the process when an idle connection dies.
const observedPools = new WeakSet<PgPool>()

function observe(pool: PgPool): void {
  if (observedPools.has(pool)) return
  observedPools.add(pool)
  pool.on('error', () => {})
}

/** Creates the engine for PostgreSQL. Connects with the first statement. */
export function createPostgresDatabase(options: ParsedDatabaseOptions): RawDatabase {
  const { schema, prepared } = options
  const config = options.pool === undefined ? connectionConfig(options) : undefined
  const own = config === undefined ? undefined : createOwnPool(config, options)
  const pool = own?.pool ?? options.pool
  if (pool === undefined) throw new TypeError('neither connectionString nor pool was given')
  observe(pool)
  const connections = createConnections(pool, {
    acquireMilliseconds: options.acquireTimeoutMilliseconds,
    pipelines:
      own === undefined || !prepared ? undefined : (options.maxConnections ?? MOST_CONNECTIONS),
    isShared: own === undefined,
  })
  const formOf = createStatementForms(schema, prepared)
  const listening = createListening({
    config: config ?? connectionConfigOf(pool),
    connectMilliseconds: options.connectTimeoutMilliseconds,
    heartbeatMilliseconds: options.heartbeatMilliseconds,
    onError: options.onError,
  })
  let closing: Promise<void> | undefined

  async function transaction<Value>(
    run: Parameters<typeof runTransaction<Value>>[1],
    queryOptions?: QueryOptions,
  ): Promise<Value> {
    if (closing !== undefined) throw databaseClosed()
    return runTransaction(
      { connections, formOf },
      run,
      deadlineOf(queryOptions),
      queryOptions?.signal,
    )
  }

  function query(
    statement: Statement,
    values: readonly SqlValue[] = [],
    queryOptions?: QueryOptions,
  ): Promise<readonly SqlRow[]> {
    if (closing !== undefined) return Promise.reject(databaseClosed())
    const milliseconds = deadlineOf(queryOptions)
    // Longer than the timeout that the session was started with.
    if (milliseconds > DEADLINES.write) {
      return transaction((session) => session.query(statement, values), queryOptions)
    }
    const signal = queryOptions?.signal
    if (signal?.aborted) return Promise.reject(signal.reason)
    const form = formOf(statement)
    const canRepeat = form.isSelect && (queryOptions?.kind ?? 'read') === 'read'
    const end = canRepeat ? performance.now() + milliseconds : 0

    return new Promise((resolve, reject) => {
      function attempt(left: number, isLast: boolean): void {
        let hasFailed = false
        const user: ConnectionUser = {
          onConnection(client, use) {
            client.query(queryOf(form, values), (error, result) => {
              if (!error) {
                use.end(false)
                // The boundary to the driver: rows are objects unless an array mode was asked for.
                resolve(result.rows as SqlRow[])
                return
              }
              use.end(endsConnection(error))
              if (hasFailed) return
              const rest = end - performance.now()
              // A read on a connection that had died while it was idle; a fresh one can answer.
              const isLost = isConnectionLost(error)
              if (isLost) connections.suspectAll()
              if (!isLast && rest > 0 && isLost) attempt(rest, true)
              else reject(toStoreError(error))
            })
          },
          onFailure(error) {
            hasFailed = true
            reject(signal?.aborted && error === signal.reason ? error : toStoreError(error))
          },
        }
        connections.use(left, signal, user, canRepeat ? 'read' : 'any')
      }
      attempt(milliseconds, !canRepeat)
    })
  }

  return {
    engine: 'postgres',
    schema,
    listens: options.listen,
    pollMilliseconds: options.pollMilliseconds,
    query,
    transaction,
    async listen(channel, listener) {
      if (closing !== undefined) throw databaseClosed()
      if (!options.listen) throw new StoreUnsupportedError('LISTEN is switched off')
      return listening.listen(channel, listener)
    },
    close() {
      connections.close()
      closing ??= Promise.all([listening.close(), own?.close()]).then(() => {})
      return closing
    },
  }
}
