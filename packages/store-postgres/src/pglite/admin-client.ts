import type { Queryable, QueryOptions, SqlRow, SqlValue, Statement } from '../database/database.js'
import { databaseClosed, databaseUnavailable } from '../database/database-errors.js'
import { DEADLINES, deadlineOf } from '../database/deadlines.js'
import type { RawDatabase } from '../database/raw-database.js'
import { withSchema } from '../database/schema-name.js'
import { type AdminConnection, connectToAdmin } from './admin-connection.js'
import { MAXIMUM_TIMEOUT_MILLISECONDS } from './admin-protocol.js'
import { encodeValue } from './admin-values.js'
import { createTurns } from './turns.js'

/** The database that another process has open. */
export type AdminClient = Pick<RawDatabase, 'query' | 'transaction' | 'close'>

/**
 * Uses the database of another process through its admin socket. Connects at once, and again when the
 * connection was lost. Transactions of this client wait for each other here, so that it needs two
 * connections at most; a transaction must do something every 5 seconds.
 *
 * @throws {@link StoreUnavailableError} as {@link connectToAdmin}.
 */
export async function createAdminClient(path: string, schema: string): Promise<AdminClient> {
  const forQueries = createSlot(path)
  const forTransactions = createSlot(path)
  const turns = createTurns()
  let isClosed = false
  await forQueries.connect()

  function ask(
    connection: AdminConnection,
    statement: Statement,
    values: readonly SqlValue[],
    timeout: number,
  ): Promise<readonly SqlRow[]> {
    return connection.ask({
      type: 'query',
      text: withSchema(statement.text, schema),
      values: values.map(encodeValue),
      timeout,
    })
  }

  async function runTransaction<Value>(
    run: (transaction: Queryable) => Promise<Value>,
    timeout: number,
    over: AbortSignal,
  ): Promise<Value> {
    const connection = await forTransactions.connect()
    // Ends the transaction on the server too.
    const onOver = () => connection.destroy()
    let isOver = false
    over.addEventListener('abort', onOver)
    try {
      over.throwIfAborted()
      await connection.ask({ type: 'begin', timeout })
      const value = await run({
        async query(statement, queryValues = []) {
          if (isOver) throw databaseUnavailable('the transaction is over', 'ERR_CLOSED')
          return ask(connection, statement, queryValues, DEADLINES.maintenance)
        },
      })
      isOver = true
      await connection.ask({ type: 'commit' })
      return value
    } catch (error) {
      isOver = true
      await connection.ask({ type: 'rollback' }).catch(() => connection.destroy())
      throw error
    } finally {
      over.removeEventListener('abort', onOver)
    }
  }

  return {
    async query(statement, values = [], options) {
      if (isClosed) throw databaseClosed()
      // Not one after the other: the server has its own queue. Only the wait is bounded here.
      const timeout = timeoutOf(options)
      return createTurns().run(
        async () => ask(await forQueries.connect(), statement, values, timeout),
        { milliseconds: timeout, signal: options?.signal },
      )
    },
    async transaction(run, options) {
      if (isClosed) throw databaseClosed()
      const timeout = timeoutOf(options)
      return turns.run((over) => runTransaction(run, timeout, over), {
        milliseconds: timeout,
        signal: options?.signal,
      })
    },
    async close() {
      isClosed = true
      forQueries.end()
      forTransactions.end()
    },
  }
}

function timeoutOf(options: QueryOptions | undefined): number {
  return Math.min(deadlineOf(options), MAXIMUM_TIMEOUT_MILLISECONDS)
}

/** A connection that is made on demand, and once only when several ask at the same time. */
function createSlot(path: string) {
  let connecting: Promise<AdminConnection> | undefined
  let current: AdminConnection | undefined
  let isEnded = false
  return {
    async connect(): Promise<AdminConnection> {
      if (current?.isOpen === true) return current
      connecting ??= connectToAdmin(path).finally(() => {
        connecting = undefined
      })
      current = await connecting
      if (isEnded) current.destroy()
      return current
    },
    end(): void {
      isEnded = true
      current?.destroy()
    },
  }
}
