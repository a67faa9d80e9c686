import { StoreUnsupportedError } from '@bestviable/mcp-auth-middleware'
import type { Queryable, QueryOptions, SqlRow, SqlValue, Statement } from '../database/database.js'
import { databaseClosed, databaseUnavailable, toStoreError } from '../database/database-errors.js'
import { DEADLINES, deadlineOf } from '../database/deadlines.js'
import type { RawDatabase } from '../database/raw-database.js'
import { withSchema } from '../database/schema-name.js'
import type { PgliteInstance } from './load-pglite.js'
import { createPgliteListening } from './pglite-listening.js'
import { queryPglite } from './pglite-values.js'
import { createTurns, type Wait } from './turns.js'

/** A PGlite that this process has open, as an engine. */
export interface PgliteEngine {
  query: RawDatabase['query']
  transaction: RawDatabase['transaction']
  listen: RawDatabase['listen']
  /** Tells all listeners that anything may have changed: another process wrote without NOTIFY. */
  resetListeners(): void
  /** Waits for what runs. What comes later is refused. */
  close(): Promise<void>
}

function waitOf(options: QueryOptions | undefined): Wait {
  return { milliseconds: deadlineOf(options), signal: options?.signal }
}

/** Rejects when the caller no longer waits, so that PGlite rolls back and lets the next one in. */
function rejectWhenOver(over: AbortSignal): { readonly promise: Promise<never>; end(): void } {
  let onAbort = () => {}
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(over.reason)
    if (over.aborted) onAbort()
    else over.addEventListener('abort', onAbort)
  })
  promise.catch(() => {})
  return { promise, end: () => over.removeEventListener('abort', onAbort) }
}

/**
 * Runs statements on one PGlite, which has one session: a statement or transaction at a time, in the
 * order in which they came. PGlite cannot cancel: at its deadline a caller stops waiting, and a
 * statement that runs by then runs to its end.
 */
export function createPgliteEngine(pglite: PgliteInstance, schema: string): PgliteEngine {
  const turns = createTurns()
  const listening = createPgliteListening(pglite, turns)
  let closing: Promise<void> | undefined

  async function query(
    statement: Statement,
    values: readonly SqlValue[] = [],
    options?: QueryOptions,
  ): Promise<readonly SqlRow[]> {
    if (closing !== undefined) throw databaseClosed()
    const text = withSchema(statement.text, schema)
    return turns.run(async () => {
      try {
        return await queryPglite(pglite, text, values)
      } catch (error) {
        throw toStoreError(error)
      }
    }, waitOf(options))
  }

  /** One transaction. One session meets neither serialization failures nor deadlocks: no retries. */
  async function runTransaction<Value>(
    run: (transaction: Queryable) => Promise<Value>,
    over: AbortSignal,
  ): Promise<Value> {
    const deadline = rejectWhenOver(over)
    let failure: Error | undefined
    let thrown: { readonly error: unknown } | undefined
    try {
      return await pglite.transaction(async (session) => {
        const queryable: Queryable = {
          async query(statement, values = []) {
            if (session.closed || over.aborted) {
              throw databaseUnavailable('the transaction is over', 'ERR_CLOSED')
            }
            try {
              return await queryPglite(session, withSchema(statement.text, schema), values)
            } catch (error) {
              failure ??= toStoreError(error)
              throw toStoreError(error)
            }
          },
        }
        try {
          return await Promise.race([run(queryable), deadline.promise])
        } catch (error) {
          thrown = { error }
          throw error
        }
      })
    } catch (error) {
      // What `run` threw is the caller's own; the rest comes from PGlite. A transaction in which a
      // statement failed is rolled back at its end.
      if (thrown !== undefined) throw thrown.error
      throw failure ?? toStoreError(error)
    } finally {
      deadline.end()
    }
  }

  return {
    query,
    async listen(channel, listener) {
      if (closing !== undefined) throw databaseClosed()
      const stop = await listening.listen(channel, listener)
      return async () => {
        if (closing === undefined) await stop()
      }
    },
    resetListeners: () => listening.reset(),
    async transaction(run, options) {
      if (closing !== undefined) throw databaseClosed()
      return turns.run((over) => runTransaction(run, over), waitOf(options))
    },
    close() {
      closing ??= turns.run(async () => {}, { milliseconds: DEADLINES.maintenance }).catch(() => {})
      return closing
    },
  }
}

/** What a database without LISTEN answers. */
export async function refuseListen(): Promise<never> {
  throw new StoreUnsupportedError('LISTEN is switched off')
}
