import type { Queryable, SqlRow, SqlValue } from '../database/database.js'
import {
  type AdminErrorCode,
  type AdminRequest,
  decodeValues,
  failureCode,
  formatFailure,
  formatRows,
  MAXIMUM_TIMEOUT_MILLISECONDS,
} from './admin-protocol.js'
import type { PgliteEngine } from './pglite-engine.js'

/** The transaction of one connection. */
interface OpenTransaction {
  readonly transaction: Queryable
  /** Settles when PGlite has committed or rolled back. */
  readonly ended: Promise<void>
  commit(): void
  rollback(code: AdminErrorCode): void
}

/** Answers the requests of one connection, one after the other. */
export interface AdminSession {
  answer(request: AdminRequest): Promise<Iterable<string>>
  /** The connection is gone: what waits is given up, a transaction is rolled back. */
  end(): void
}

class Refusal extends Error {
  readonly code: AdminErrorCode

  constructor(code: AdminErrorCode) {
    super(code)
    this.code = code
  }
}

function refuse(code: AdminErrorCode): never {
  throw new Refusal(code)
}

/** Takes PGlite's transaction and holds it until `commit` or `rollback` is called. */
function begin(
  engine: PgliteEngine,
  timeoutMilliseconds: number,
  signal: AbortSignal,
): Promise<OpenTransaction> {
  return new Promise((resolve, reject) => {
    const ended = engine.transaction(
      (transaction) =>
        new Promise<void>((commit, fail) => {
          const rollback = (code: AdminErrorCode) => fail(new Refusal(code))
          resolve({ transaction, commit, rollback, ended: waitForEnd() })
        }),
      { timeoutMilliseconds, signal },
    )
    async function waitForEnd(): Promise<void> {
      await ended
    }
    // Before it has begun; afterwards this changes nothing.
    ended.catch(reject)
  })
}

/**
 * Creates the session of one connection. A transaction that is idle for too long is rolled back. Stores
 * of this process hear of what it wrote, though its client, which cannot listen, sends no NOTIFY.
 */
export function createAdminSession(engine: PgliteEngine, idleMilliseconds: number): AdminSession {
  const gone = new AbortController()
  let open: OpenTransaction | undefined
  let isIdle = false
  let timer: NodeJS.Timeout | undefined

  function watch(transaction: OpenTransaction): void {
    timer = setTimeout(() => {
      isIdle = true
      transaction.rollback('ERR_ADMIN_IDLE')
    }, idleMilliseconds)
  }

  function current(): OpenTransaction {
    if (open === undefined) return refuse('ERR_ADMIN_STATE')
    if (isIdle) return refuse('ERR_ADMIN_IDLE')
    return open
  }

  async function query(
    text: string,
    values: readonly SqlValue[],
    timeout: number,
  ): Promise<readonly SqlRow[]> {
    const statement = { name: 'admin', text }
    if (open !== undefined) return current().transaction.query(statement, values)
    const options = { timeoutMilliseconds: timeout, signal: gone.signal }
    const rows = await engine.query(statement, values, options)
    if (!/^\s*SELECT\b/i.test(text)) engine.resetListeners()
    return rows
  }

  async function run(request: AdminRequest): Promise<readonly SqlRow[]> {
    if (request.type === 'query') {
      return query(request.text, decodeValues(request.values), request.timeout)
    }
    if (request.type === 'begin') {
      if (open !== undefined) return refuse('ERR_ADMIN_STATE')
      const milliseconds = Math.min(request.timeout, MAXIMUM_TIMEOUT_MILLISECONDS)
      open = await begin(engine, milliseconds, gone.signal)
      open.ended.catch(() => {})
      isIdle = false
      return []
    }
    const ending = request.type === 'rollback' ? open : current()
    open = undefined
    if (request.type === 'commit') ending?.commit()
    else ending?.rollback('ERR_ADMIN_STATE')
    // A rollback always ends with the reason that was given for it.
    if (request.type === 'commit') {
      await ending?.ended
      engine.resetListeners()
    } else {
      await ending?.ended.catch(() => {})
    }
    return []
  }

  return {
    async answer(request) {
      clearTimeout(timer)
      try {
        return [...formatRows(request.id, await run(request))]
      } catch (error) {
        const code = error instanceof Refusal ? error.code : failureCode(error)
        return [formatFailure(code, request.id)]
      } finally {
        if (open !== undefined && !isIdle && !gone.signal.aborted) watch(open)
      }
    },
    end() {
      clearTimeout(timer)
      gone.abort(new Refusal('ERR_ADMIN_STATE'))
      open?.rollback('ERR_ADMIN_STATE')
    },
  }
}
