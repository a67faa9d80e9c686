import { AsyncLocalStorage } from 'node:async_hooks'
import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import {
  type Database,
  type Queryable,
  registerKeys,
  type SqlRow,
  type SqlValue,
  type Statement,
} from '@bestviable/mcp-auth-store-postgres'

/** Where the parts of the storage run their statements. */
export interface StorageSession {
  readonly database: Database
  readonly codec: EnvelopeCodec
  /** Epoch milliseconds. */
  readonly now: () => number
  /** One statement, in the transaction of the caller if there is one. */
  read(statement: Statement, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** As `read`, for a statement that changes something: it is never repeated. */
  write(statement: Statement, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** Runs in the transaction of the caller, or in one of its own. */
  transaction<Value>(run: () => Promise<Value>): Promise<Value>
  /** Whether the caller is in a transaction. */
  readonly isInTransaction: boolean
  /** Checks tables and keys, every time. */
  check(): Promise<void>
  close(): void
}

/** One attempt at a transaction. */
interface Attempt {
  readonly queryable: Queryable
  state: 'open' | 'committed' | 'ended'
}

/** Creates what statements run in. Tables and encryption keys are checked before the first of them. */
export function createSession(
  database: Database,
  codec: EnvelopeCodec,
  now: () => number,
): StorageSession {
  const attempts = new AsyncLocalStorage<Attempt>()
  let isReady = false
  let isClosed = false
  let preparing: Promise<void> | undefined

  async function prepareOnce(): Promise<void> {
    // Separately, since it has a deadline that a first start of an embedded database needs.
    await database.ready()
    await registerKeys(database, codec)
    isReady = true
  }

  async function prepare(): Promise<void> {
    if (isClosed) throw new StoreUnavailableError('the storage is closed')
    if (isReady) return
    preparing ??= prepareOnce().finally(() => {
      preparing = undefined
    })
    await preparing
  }

  function currentAttempt(): Attempt | undefined {
    const attempt = attempts.getStore()
    // What was begun in a transaction and not waited for goes on after its commit by itself. After a
    // rollback it must not: what it would add to was never made, and the engine refuses it.
    return attempt?.state === 'committed' ? undefined : attempt
  }

  async function query(
    kind: 'read' | 'write',
    statement: Statement,
    values: readonly SqlValue[],
  ): Promise<readonly SqlRow[]> {
    const attempt = currentAttempt()
    if (attempt !== undefined) return attempt.queryable.query(statement, values)
    await prepare()
    return database.query(statement, values, { kind })
  }

  return {
    database,
    codec,
    now,
    read: (statement, values = []) => query('read', statement, values),
    write: (statement, values = []) => query('write', statement, values),
    get isInTransaction() {
      return currentAttempt() !== undefined
    },
    async transaction(run) {
      if (currentAttempt() !== undefined) return run()
      // Before it begins: an embedded database has one session.
      await prepare()
      const tried: Attempt[] = []
      const end = (state: Attempt['state']) => {
        for (const each of tried) each.state = 'ended'
        const last = tried.at(-1)
        if (last !== undefined) last.state = state
      }
      try {
        const value = await database.transaction(
          (queryable) => {
            end('ended')
            const attempt: Attempt = { queryable, state: 'open' }
            tried.push(attempt)
            return attempts.run(attempt, run)
          },
          { kind: 'write' },
        )
        end('committed')
        return value
      } catch (error) {
        end('ended')
        throw error
      }
    },
    async check() {
      if (!isReady) return prepare()
      await prepare()
      // Not only at the first use: keys and tables may have been exchanged since.
      await registerKeys(database, codec)
    },
    close() {
      isClosed = true
    },
  }
}
