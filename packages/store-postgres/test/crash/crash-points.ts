import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type { Database, Queryable } from '../../src/database/database.js'

/** Where a process dies: at the n-th time that it passes the named point. */
export interface CrashPlan {
  readonly point: string
  readonly occurrence: number
}

/** Counts the awaits that a process passes, and ends it without warning at the planned one. */
export interface CrashPoints {
  readonly passed: ReadonlyMap<string, number>
  /** Runs one operation between its two points. */
  around<Value>(name: string, run: () => Promise<Value>): Promise<Value>
}

export function createCrashPoints(plan: CrashPlan | undefined): CrashPoints {
  const passed = new Map<string, number>()

  function pass(point: string): void {
    const count = (passed.get(point) ?? 0) + 1
    passed.set(point, count)
    const isPlanned = plan?.point === point || plan?.point === '*'
    const total =
      plan?.point === '*' ? [...passed.values()].reduce((sum, each) => sum + each) : count
    // Nothing after this line runs: no handler, no flush, no rollback by this process.
    if (isPlanned && total === plan.occurrence) process.kill(process.pid, 'SIGKILL')
  }

  return {
    passed,
    async around(name, run) {
      pass(`before ${name}`)
      const value = await run()
      pass(`after ${name}`)
      return value
    },
  }
}

/** A database whose every statement is a crash point. */
export function withCrashPoints(database: Database, points: CrashPoints): Database {
  const watch = (inner: Queryable, prefix: string): Queryable => ({
    query: (statement, values, options) =>
      points.around(`${prefix}${statement.name}`, () => inner.query(statement, values, options)),
  })
  return {
    ...database,
    ...watch(database, ''),
    transaction: (run, options) =>
      points.around('transaction', () =>
        database.transaction((inner) => run(watch(inner, 'transaction ')), options),
      ),
  }
}

/** A store whose every call is a crash point. */
export function storeWithCrashPoints(
  store: TokenStore,
  points: CrashPoints,
  name: string,
): TokenStore {
  const at = (method: string) => `${name}.${method}`
  return {
    ...store,
    get: (...parameters) => points.around(at('get'), () => store.get(...parameters)),
    set: (...parameters) => points.around(at('set'), () => store.set(...parameters)),
    delete: (...parameters) => points.around(at('delete'), () => store.delete(...parameters)),
    ...(store.tombstone && {
      tombstone: (key) => points.around(at('tombstone'), async () => store.tombstone?.(key)),
    }),
    async *keys(filter) {
      for await (const key of store.keys(filter)) {
        await points.around(at('keys'), async () => undefined)
        yield key
      }
    },
  }
}
