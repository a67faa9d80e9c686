import { setTimeout as delay } from 'node:timers/promises'
import type { Connections, ConnectionUse } from './connections.js'
import type { Queryable, SqlRow, SqlValue, Statement } from './database.js'
import {
  databaseUnavailable,
  endsConnection,
  isConnectionLost,
  isSerializationFailure,
  statementTimeout,
  toStoreError,
} from './database-errors.js'
import type { PgPoolClient, PgResult } from './pg-pool.js'
import { resultTypes } from './result-types.js'
import { queryOf, type StatementForm } from './statement-forms.js'

/** Retries after 40001 (serialization failure) and 40P01 (deadlock). */
const RETRIES = 3

/** What transactions need of their engine. */
export interface TransactionContext {
  readonly connections: Connections
  formOf(statement: Statement): StatementForm
}

type SentForm = Pick<StatementForm, 'name' | 'text' | 'types'>

/** Lets everything that is sent before the next event leave as one packet. */
function gather(client: PgPoolClient): void {
  const stream = client.connection?.stream
  if (stream === undefined) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** Sends one statement. Rejects with the error of the driver. */
function send(
  client: PgPoolClient,
  form: SentForm,
  values?: readonly SqlValue[],
): Promise<PgResult> {
  return new Promise((resolve, reject) => {
    if (client.pipeline === true) gather(client)
    client.query(queryOf(form, values), (error, result) =>
      error ? reject(error) : resolve(result),
    )
  })
}

/** Sends the statements of one transaction one after the other and remembers what went wrong. */
function createSession(client: PgPoolClient, context: TransactionContext) {
  let last: Promise<unknown> = Promise.resolve()
  let failure: unknown
  let isOver = false

  function enqueue(form: SentForm, values?: readonly SqlValue[]): Promise<PgResult> {
    // Other clients take one statement at a time, also where the caller did not wait.
    const result =
      client.pipeline === true
        ? send(client, form, values)
        : last.then(() => send(client, form, values))
    last = result.catch((error: unknown) => {
      failure ??= error
    })
    return result.catch((error: unknown) => {
      throw toStoreError(error)
    })
  }

  const queryable: Queryable = {
    async query(statement, values) {
      if (isOver) throw databaseUnavailable('the transaction is over', 'ERR_CLOSED')
      const { rows } = await enqueue(context.formOf(statement), values)
      // The boundary to the driver: rows are objects unless an array mode was asked for.
      return rows as SqlRow[]
    },
  }
  return {
    enqueue,
    queryable,
    /** Keeps statements that come late from a connection that others use by now. */
    close() {
      isOver = true
    },
    get failure() {
      return failure
    },
  }
}

/** Outcome of one attempt that did not commit. */
class Aborted {
  readonly error: unknown
  readonly canRetry: boolean

  constructor(error: unknown, canRetry: boolean) {
    this.error = error
    this.canRetry = canRetry
  }
}

// The limit lives and dies with the transaction, so that it also holds behind transaction pooling. One
// round trip: both statements travel in one message.
function beginWithin(milliseconds: number): SentForm {
  const limit = Math.ceil(milliseconds)
  return {
    name: undefined,
    types: resultTypes,
    text: `BEGIN; SET LOCAL statement_timeout = ${limit}; SET LOCAL idle_in_transaction_session_timeout = ${limit}`,
  }
}

const COMMIT: SentForm = { name: undefined, text: 'COMMIT', types: resultTypes }
const ROLLBACK: SentForm = { name: undefined, text: 'ROLLBACK', types: resultTypes }

async function runOn<Value>(
  client: PgPoolClient,
  use: ConnectionUse,
  milliseconds: number,
  context: TransactionContext,
  run: (transaction: Queryable) => Promise<Value>,
): Promise<Value> {
  const session = createSession(client, context)
  let isWithoutTransaction = false
  try {
    // The first statement need not wait for it.
    const begun = session.enqueue(beginWithin(milliseconds))
    begun.catch(() => {
      // What was sent behind it may have run without a transaction: nobody goes on with that.
      isWithoutTransaction = true
    })
    const value = await run(session.queryable)
    await begun
    if (session.failure !== undefined) throw toStoreError(session.failure)
    const { command } = await session.enqueue(COMMIT)
    // A transaction in which a statement failed answers COMMIT with a rollback, and no error. One that
    // failed on this side was never sent, and left nothing to roll back.
    if (command !== 'COMMIT' || session.failure !== undefined) throw toStoreError(session.failure)
    session.close()
    use.end(false)
    return value
  } catch (error) {
    const { failure } = session
    // Nothing may come behind the rollback, where it would stay.
    session.close()
    let isBroken = isWithoutTransaction || (failure !== undefined && endsConnection(failure))
    if (isBroken && isConnectionLost(failure)) context.connections.suspectAll()
    if (!isBroken) {
      await session.enqueue(ROLLBACK).catch(() => {
        isBroken = true
      })
    }
    use.end(isBroken)
    const canRetry = failure !== undefined && isSerializationFailure(failure)
    throw new Aborted(canRetry ? toStoreError(failure) : error, canRetry)
  }
}

function attempt<Value>(
  context: TransactionContext,
  run: (transaction: Queryable) => Promise<Value>,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    context.connections.use(milliseconds, signal, {
      onConnection(client, use) {
        runOn(client, use, milliseconds, context, run).then(resolve, reject)
      },
      onFailure: reject,
    })
  })
}

/** Runs a transaction, again after a serialization failure, within one deadline. */
export async function runTransaction<Value>(
  context: TransactionContext,
  run: (transaction: Queryable) => Promise<Value>,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<Value> {
  const end = performance.now() + milliseconds
  for (let retries = 0; ; retries += 1) {
    signal?.throwIfAborted()
    const left = end - performance.now()
    if (left < 1) throw statementTimeout()
    try {
      return await attempt(context, run, left, signal)
    } catch (error) {
      if (!(error instanceof Aborted)) {
        if (signal?.aborted && error === signal.reason) throw error
        throw toStoreError(error)
      }
      if (!error.canRetry || retries >= RETRIES) throw error.error
    }
    // Apart from each other, so that two transactions do not meet again and again.
    await delay(5 + Math.random() * 20 * (retries + 1))
  }
}
