import type { Database, QueryOptions } from '../database/database.js'
import { databaseClosed, sqlStateOf, toStoreError } from '../database/database-errors.js'
import type { RawDatabase } from '../database/raw-database.js'
import { manageSchema } from '../schema/managed-database.js'
import { createAdminClient } from './admin-client.js'
import { NOT_SERVED } from './admin-connection.js'
import { startAdminServer } from './admin-server.js'
import type { ImportPglite } from './load-pglite.js'
import { openPglite } from './open-pglite.js'
import { createPgliteEngine, refuseListen } from './pglite-engine.js'
import {
  adminSocketPath,
  MEMORY,
  type ParsedPgliteOptions,
  type PgliteDatabaseOptions,
  parsePgliteOptions,
} from './pglite-options.js'

type Backend = Pick<RawDatabase, 'query' | 'transaction' | 'listen' | 'close'>

async function openHere(
  options: ParsedPgliteOptions,
  importPglite: ImportPglite | undefined,
): Promise<Backend> {
  const { dataDir, schema, adminSocket, onError } = options
  const open = await openPglite(dataDir, importPglite)
  const engine = createPgliteEngine(open.pglite, schema)
  try {
    const isServed = adminSocket && dataDir !== MEMORY && process.platform !== 'win32'
    const server = isServed
      ? await startAdminServer({ engine, path: adminSocketPath(dataDir), onError })
      : undefined
    return {
      ...engine,
      async close() {
        await server?.close()
        await engine.close()
        await open.close()
      },
    }
  } catch (error) {
    await open.close()
    throw toStoreError(error)
  }
}

async function attach({ dataDir, schema }: ParsedPgliteOptions): Promise<Backend> {
  const client = await createAdminClient(adminSocketPath(dataDir), schema)
  return { ...client, listen: refuseListen }
}

async function openBackend(
  options: ParsedPgliteOptions,
  importPglite: ImportPglite | undefined,
): Promise<Backend> {
  if (options.attach === false) return openHere(options, importPglite)
  if (options.attach === 'auto' && process.platform === 'win32')
    return openHere(options, importPglite)
  try {
    return await attach(options)
  } catch (error) {
    if (options.attach === true || sqlStateOf(error) !== NOT_SERVED) throw error
    return openHere(options, importPglite)
  }
}

function abortable<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/**
 * Creates an embedded database in a folder, for a first run without PostgreSQL, or one in memory, for
 * tests. Needs the package `@electric-sql/pglite`, which is loaded with the first statement.
 *
 * A folder belongs to one process at a time, which a lock file makes sure of. While it does, other
 * processes of the same user and host, such as the CLI, go through its admin socket with `attach`.
 * PGlite runs one statement or transaction at a time and blocks the event loop meanwhile: inside a
 * transaction use its own `query`, since that of the database waits for the transaction to end. It
 * cannot cancel: after a deadline a statement that runs goes on, and those behind it wait. Opening
 * takes seconds and is not part of any deadline.
 *
 * @throws {@link ConfigurationError} at once, naming every option that is not usable; with the first
 *   statement, when PGlite is not installed.
 */
export function createPgliteDatabase(
  options: PgliteDatabaseOptions,
  importPglite?: ImportPglite,
): Database {
  const parsed = parsePgliteOptions(options)
  const { schema, migrate, locks, pollMilliseconds } = parsed
  const listens = parsed.listen && parsed.attach === false
  let opening: Promise<Backend> | undefined
  let backend: Backend | undefined
  let closing: Promise<void> | undefined

  async function open(signal?: AbortSignal): Promise<Backend> {
    if (closing !== undefined) throw databaseClosed()
    opening ??= openBackend(parsed, importPglite).then(
      (opened) => {
        backend = opened
        return opened
      },
      (error: unknown) => {
        // The next statement tries again: the process that has the folder may end.
        opening = undefined
        throw error
      },
    )
    return abortable(opening, signal)
  }

  /** Uses the backend at once where it is open, so that `close` waits for what came before it. */
  function use<Value>(
    work: (backend: Pick<Backend, 'query' | 'transaction' | 'listen'>) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    if (closing === undefined && backend !== undefined) return work(backend)
    return open(signal).then(work)
  }

  const raw: RawDatabase = {
    engine: 'pglite',
    schema,
    listens,
    pollMilliseconds,
    query: (statement, values, queryOptions) =>
      use((opened) => opened.query(statement, values, queryOptions), queryOptions?.signal),
    transaction: (run, queryOptions) =>
      use((opened) => opened.transaction(run, queryOptions), queryOptions?.signal),
    listen: (channel, listener) =>
      listens ? use((opened) => opened.listen(channel, listener)) : refuseListen(),
    close() {
      closing ??= (async () => {
        const opened = await opening?.catch(() => undefined)
        await opened?.close()
      })()
      return closing
    },
  }

  const database = manageSchema(raw, { migrate, locks })
  const { query, transaction, ready } = database
  // In place, since the schema is managed by the identity of the object.
  return Object.assign(database, {
    query: (...[statement, values, queryOptions]: Parameters<Database['query']>) =>
      use(() => query(statement, values, queryOptions), queryOptions?.signal),
    transaction: <Value>(...[run, queryOptions]: Parameters<typeof transaction<Value>>) =>
      use(() => transaction(run, queryOptions), queryOptions?.signal),
    ready: (queryOptions?: QueryOptions) => use(() => ready(queryOptions), queryOptions?.signal),
  })
}
