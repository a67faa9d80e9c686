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
import { createJsonOpener, type JsonOpener } from './sealed-json.js'
import { fitsWith, type RecordChange, writeRecords } from './write-records.js'

/** Rows by `recordKey`. */
export type Known = Map<string, SqlRow | undefined>

/** Where the parts of the storage run their statements. */
export interface StorageSession {
  readonly database: Database
  readonly codec: EnvelopeCodec
  /** Opens rows that are read again and again. */
  readonly openAgain: JsonOpener
  /** Epoch milliseconds. */
  readonly now: () => number
  /** One statement, in the transaction of the caller if there is one. */
  read(statement: Statement, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** As `read`, for a statement that changes something: it is never repeated. `key`: all that it changes. */
  write(
    statement: Statement,
    values?: readonly SqlValue[],
    key?: string,
  ): Promise<readonly SqlRow[]>
  /**
   * Changes a record. In a transaction the change travels with others, at the latest before the next
   * statement or the commit; what fails then fails the transaction.
   */
  put(change: RecordChange): Promise<void>
  /**
   * What the caller need not ask for, by `recordKey`: what its transaction has read under its lock and not
   * changed since, or what `knowing` was given. `undefined` under a key stands for a row that is not there.
   */
  readonly known: Known
  /** Runs with rows that were read before. Outside of a transaction, which knows only what it reads itself. */
  knowing<Value>(known: Known, run: () => Promise<Value>): Promise<Value>
  /** Runs in the transaction of the caller, or in one of its own. */
  transaction<Value>(run: () => Promise<Value>): Promise<Value>
  /** Whether the caller is in a transaction. */
  readonly isInTransaction: boolean
  /** Runs after the commit of the caller's transaction, and at once without one. Must not throw. */
  afterCommit(run: () => void): void
  /** Checks tables and keys, every time. */
  check(): Promise<void>
  close(): void
}

/** One attempt at a transaction. */
interface Attempt {
  readonly queryable: Queryable
  readonly known: Known
  /** Changes that were not sent yet; `undefined` when no more are collected. */
  unsent: readonly RecordChange[] | undefined
  readonly afterCommit: (() => void)[]
  state: 'open' | 'committed' | 'ended'
}

/** Rows that were read before, outside of a transaction. */
interface Foreknowledge {
  readonly known: Known
  readonly state: 'known'
}

async function sendRecords(attempt: Attempt, isLast = false): Promise<void> {
  const { unsent, queryable } = attempt
  if (isLast) attempt.unsent = undefined
  if (unsent === undefined || unsent.length === 0) return
  if (!isLast) attempt.unsent = []
  const { statement, values } = writeRecords(unsent)
  await queryable.query(statement, values)
}

/** Creates what statements run in. Tables and encryption keys are checked before the first of them. */
export function createSession(
  database: Database,
  codec: EnvelopeCodec,
  now: () => number,
): StorageSession {
  const frames = new AsyncLocalStorage<Attempt | Foreknowledge>()
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
    const frame = frames.getStore()
    // What was begun in a transaction and not waited for goes on after its commit by itself. After a
    // rollback it must not: what it would add to was never made, and the engine refuses it.
    return frame === undefined || frame.state === 'committed' || frame.state === 'known'
      ? undefined
      : frame
  }

  function currentKnown(): Known | undefined {
    const frame = frames.getStore()
    return frame?.state === 'known' ? frame.known : currentAttempt()?.known
  }

  async function query(
    kind: 'read' | 'write',
    statement: Statement,
    values: readonly SqlValue[],
  ): Promise<readonly SqlRow[]> {
    const attempt = currentAttempt()
    if (attempt !== undefined) {
      await sendRecords(attempt)
      return attempt.queryable.query(statement, values)
    }
    await prepare()
    return database.query(statement, values, { kind })
  }

  return {
    database,
    codec,
    openAgain: createJsonOpener(codec),
    now,
    read: (statement, values = []) => query('read', statement, values),
    async write(statement, values = [], key) {
      const known = currentKnown()
      if (key === undefined) known?.clear()
      else known?.delete(key)
      return query('write', statement, values)
    },
    async put(change) {
      const attempt = currentAttempt()
      currentKnown()?.delete(change.key)
      if (attempt?.state === 'open' && attempt.unsent !== undefined) {
        if (!fitsWith(attempt.unsent, change)) await sendRecords(attempt)
        // What nobody waited for can come when the commit is under way.
        if (attempt.unsent !== undefined) {
          attempt.unsent = [...attempt.unsent, change]
          return
        }
      }
      const { statement, values } = writeRecords([change])
      await query('write', statement, values)
    },
    get known() {
      return currentKnown() ?? new Map()
    },
    knowing: (known, run) =>
      currentAttempt() === undefined ? frames.run({ known, state: 'known' }, run) : run(),
    get isInTransaction() {
      return currentAttempt() !== undefined
    },
    afterCommit(run) {
      const attempt = currentAttempt()
      if (attempt === undefined) run()
      else attempt.afterCommit.push(run)
    },
    async transaction(run) {
      if (currentAttempt() !== undefined) return run()
      // It may change what was read before.
      currentKnown()?.clear()
      // Before it begins: an embedded database has one session.
      await prepare()
      const tried: Attempt[] = []
      let lastWrite = Promise.resolve()
      const end = (state: Attempt['state']) => {
        for (const each of tried) each.state = 'ended'
        const last = tried.at(-1)
        if (last !== undefined) last.state = state
      }
      try {
        const value = await database.transaction(
          async (queryable) => {
            end('ended')
            const attempt: Attempt = {
              queryable,
              known: new Map(),
              unsent: [],
              afterCommit: [],
              state: 'open',
            }
            tried.push(attempt)
            const result = await frames.run(attempt, run)
            lastWrite = sendRecords(attempt, true)
            // With PostgreSQL it travels with the commit, which fails with it.
            if (database.engine === 'postgres') lastWrite.catch(() => undefined)
            else await lastWrite
            return result
          },
          { kind: 'write' },
        )
        // Where it failed before it was sent, there was nothing for the commit to fail with.
        await lastWrite
        end('committed')
        for (const run of tried.at(-1)?.afterCommit ?? []) run()
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
