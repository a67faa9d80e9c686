import { writeSync } from 'node:fs'
import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type { KeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import pg from 'pg'
import type { PgPool, PgPoolClient } from '../../src/database/pg-pool.js'

/** Where a process dies: at the n-th time that it passes the point, or any point when none is named. */
export interface CrashPlan {
  readonly point?: string
  readonly occurrence: number
}

/** Counts the awaits that a process passes, and ends it without warning at the planned one. */
export interface CrashPoints {
  readonly passed: ReadonlyMap<string, number>
  /** Counts from here on. */
  begin(): void
  pass(point: string): void
  /** Runs one operation between its two points. */
  around<Value>(name: string, run: () => Value | Promise<Value>): Promise<Value>
}

export function createCrashPoints(plan?: CrashPlan): CrashPoints {
  const passed = new Map<string, number>()
  let total = 0
  let isCounting = false

  function pass(point: string): void {
    if (!isCounting) return
    const count = (passed.get(point) ?? 0) + 1
    passed.set(point, count)
    total++
    if (plan === undefined || (plan.point ?? point) !== point) return
    if ((plan.point === undefined ? total : count) !== plan.occurrence) return
    // Nothing after the signal runs: no handler, no flush, no rollback by this process.
    writeSync(1, `killed ${point}\n`)
    process.kill(process.pid, 'SIGKILL')
  }

  return {
    passed,
    begin() {
      isCounting = true
    },
    pass,
    async around(name, run) {
      pass(`before ${name}`)
      const value = await run()
      pass(`after ${name}`)
      return value
    },
  }
}

/** A pool whose every statement is a crash point, those that begin and end a transaction included. */
export function poolWithCrashPoints(
  options: Pick<pg.PoolConfig, 'connectionString' | 'max'>,
  points: CrashPoints,
  prefix: string,
): pg.Pool & PgPool {
  // As the pools that this package makes.
  const pool = new pg.Pool({ ...options, application_name: 'crash-job', pipeline: true })
  pool.on('connect', (client: PgPoolClient) => {
    const query = client.query.bind(client)
    let last = ''
    client.query = (config, callback) => {
      const [verb = ''] = config.text.split(/[\s;]/, 1)
      const name = config.name?.replace(/^mcp_auth_|_[0-9a-f]{12}$/g, '')
      const point = `${prefix}${name ?? (verb === 'COMMIT' ? `COMMIT of ${last}` : verb)}`
      last = name ?? ''
      points.pass(`before ${point}`)
      query(config, (error, result) => {
        points.pass(`after ${point}`)
        callback(error, result)
      })
    }
  })
  return pool
}

/** A key provider that is as far away as a KMS: each use of a key is a crash point. */
export function keyProviderWithCrashPoints(
  provider: KeyProvider,
  points: CrashPoints,
  prefix: string,
): KeyProvider {
  return {
    ...provider,
    wrap: (...given) => points.around(`${prefix}wrap`, () => provider.wrap(...given)),
    unwrap: (...given) => points.around(`${prefix}unwrap`, () => provider.unwrap(...given)),
  }
}

/** A store whose every call is a crash point. */
export function storeWithCrashPoints<Store extends TokenStore>(
  store: Store,
  points: CrashPoints,
  name: string,
): Store {
  return {
    ...store,
    get: (...given) => points.around(`${name}.get`, () => store.get(...given)),
    set: (...given) => points.around(`${name}.set`, () => store.set(...given)),
    delete: (...given) => points.around(`${name}.delete`, () => store.delete(...given)),
    ...(store.tombstone && {
      tombstone: (key) => points.around(`${name}.tombstone`, () => store.tombstone?.(key)),
    }),
  }
}
