import {
  generateEncryptionKey,
  parseEncryptionKeys,
} from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase, type Database, type Statement } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../../../store-postgres/test/support/engines.js'
import { startProxy, type TcpProxy } from '../../../store-postgres/test/support/proxy.js'
import { createSecrets } from '../../src/engine/secrets.js'
import { limitSettings, type RateLimitOptions } from '../../src/limits/limit-options.js'
import { createRateLimits, type RateLimits, type Use } from '../../src/limits/rate-limits.js'
import { cleanUp } from '../../src/storage/clean-up.js'
import type { StorageSession } from '../../src/storage/session.js'

const secrets = createSecrets(parseEncryptionKeys(generateEncryptionKey()))
const ADDRESS = '198.51.100.1'
const signIn: Use = { limit: 'signIn', key: [ADDRESS] }

let cluster: Cluster
let proxy: TcpProxy
let control: Database
const open: Database[] = []
const events: string[] = []
/** Statements that reached a database. */
let statements = 0

beforeAll(async () => {
  cluster = await startCluster()
  control = createDatabase({ connectionString: cluster.connectionString() })
  await control.ready()
}, 60_000)
afterAll(async () => {
  await control.close()
  await cluster.remove()
})
beforeEach(async () => {
  proxy = await startProxy(cluster)
  events.length = 0
  statements = 0
  await sql('DELETE FROM {schema}.rate_limits')
})
afterEach(async () => {
  for (const database of open.splice(0)) await database.close()
  await proxy.close()
})

const sql = (text: string) => {
  const statement: Statement = { name: `test_${text.length}`, text }
  return control.query(statement, [], { kind: 'write' })
}

/** One instance with connections of its own, through the proxy. */
async function instance(rateLimits: RateLimitOptions = {}): Promise<RateLimits> {
  const connectionString = proxy.connectionString(cluster.connectionString())
  const real = createDatabase({ connectionString })
  open.push(real)
  await real.ready()
  const database: Database = {
    ...real,
    query(statement, values, options) {
      statements += 1
      return real.query(statement, values, options)
    },
  }
  return createRateLimits({
    settings: limitSettings(rateLimits),
    database,
    secrets,
    events: { record: async () => undefined, tell: ({ event }) => void events.push(event) },
  })
}

async function takeMany(limits: RateLimits, count: number, use: Use = signIn) {
  const waits = []
  for (let n = 0; n < count; n += 1) waits.push(await limits.take(use))
  return waits
}

const passed = (waits: readonly (number | undefined)[]) =>
  waits.filter((wait) => wait === undefined).length

describe('limits on PostgreSQL', () => {
  it('A56 are shared by two instances', async () => {
    const [one, two] = [await instance(), await instance()]
    expect(passed(await takeMany(one, 3))).toBe(3)
    expect(passed(await takeMany(two, 2))).toBe(2)
    const [wait = 0] = await takeMany(one, 1)
    expect(wait).toBeGreaterThan(290)
    expect(wait).toBeLessThanOrEqual(300)
    expect(passed(await takeMany(two, 1))).toBe(0)
    expect(passed(await takeMany(two, 1, { limit: 'signIn', key: ['198.51.100.2'] }))).toBe(1)
  })

  it('count exactly when two instances are asked at once', async () => {
    const instances = [await instance(), await instance()]
    const waits = await Promise.all(
      Array.from({ length: 60 }, (_, index) => instances[index % 2]?.take(signIn)),
    )
    expect(passed(waits)).toBe(5)
  })

  it('begin anew when the window of the database is over, and not before', async () => {
    const limits = await instance()
    expect(passed(await takeMany(limits, 5))).toBe(5)
    await sql(`UPDATE {schema}.rate_limits SET expires_at = expires_at - interval '295 seconds'`)
    const [wait = 0] = await takeMany(await instance(), 1)
    expect(wait).toBeLessThanOrEqual(5)
    await sql(`UPDATE {schema}.rate_limits SET expires_at = expires_at - interval '10 seconds'`)
    const fresh = await instance()
    expect(passed(await takeMany(fresh, 6))).toBe(5)
  })

  it('begin anew when a window cannot be of now: a clock was set back, or the limit was changed', async () => {
    expect(passed(await takeMany(await instance(), 6))).toBe(5)
    await sql(`UPDATE {schema}.rate_limits SET expires_at = expires_at + interval '1 hour'`)
    expect(passed(await takeMany(await instance(), 6))).toBe(5)
    const shorter = await instance({ signIn: { points: 2, durationSeconds: 60 } })
    expect(passed(await takeMany(shorter, 3))).toBe(2)
  })

  it('cost one statement a request, with several limits too, and none once refused', async () => {
    const limits = await instance()
    const uses = [
      { limit: 'token', key: [ADDRESS] },
      { limit: 'tokenPerClient', key: [ADDRESS, 'client'] },
    ] as const
    await limits.take(...uses)
    expect(statements).toBe(1)
    await takeMany(limits, 6)
    expect(statements).toBe(7)
    expect(passed(await takeMany(limits, 20))).toBe(0)
    expect(statements).toBe(7)
    expect(events).toEqual(['rate-limited'])
  })

  it('take back what did not count', async () => {
    const limits = await instance()
    await takeMany(limits, 5)
    await limits.giveBack(signIn)
    expect(passed(await takeMany(await instance(), 2))).toBe(1)
  })

  it('hold back a client after its failures, on the instance at once and on others with their next', async () => {
    const [one, two] = [await instance(), await instance()]
    const failure: Use = { limit: 'clientAuthentication', key: [ADDRESS, 'client'] }
    await takeMany(one, 9, failure)
    expect(await one.waitFor(failure)).toBeUndefined()
    await takeMany(one, 1, failure)
    expect(await one.waitFor(failure)).toBeGreaterThan(290)
    expect(await two.waitFor(failure)).toBeUndefined()
    expect(passed(await takeMany(two, 1, failure))).toBe(0)
    expect(await two.waitFor(failure)).toBeGreaterThan(290)
  })

  it('store no address', async () => {
    await takeMany(await instance(), 1)
    const rows = await sql('SELECT limit_key, points FROM {schema}.rate_limits')
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(ADDRESS)
  })

  it('are cleaned up when their window is over', async () => {
    const limits = await instance()
    await takeMany(limits, 1)
    await takeMany(limits, 1, { limit: 'signIn', key: ['198.51.100.2'] })
    await sql(`UPDATE {schema}.rate_limits SET expires_at = clock_timestamp() - interval '1 second'
      WHERE ctid = (SELECT min(ctid) FROM {schema}.rate_limits)`)
    const write: StorageSession['write'] = (statement, values) =>
      control.query(statement, values, { kind: 'write' })
    const session = { now: () => Date.now(), write } as StorageSession
    await cleanUp(session, { unusedClientDays: 90, auditRetentionDays: false })
    expect(await sql('SELECT 1 FROM {schema}.rate_limits')).toHaveLength(1)
  })
})

describe('limits while PostgreSQL is down', () => {
  it.each(['refuse', 'reset', 'mute'] as const)(
    'go on in memory when it does not answer (%s), without delay, and are shared again after it',
    async (mode) => {
      const limits = await instance()
      expect(passed(await takeMany(limits, 2))).toBe(2)
      await proxy.setMode(mode)
      const started = performance.now()
      // The process does not know what the database has counted: five more, and then no more.
      expect(passed(await takeMany(limits, 8))).toBe(5)
      expect(await limits.take({ limit: 'pages', key: [ADDRESS] })).toBeUndefined()
      await limits.giveBack(signIn)
      expect(performance.now() - started).toBeLessThan(600)
      expect(events).toEqual(['rate-limits.fallback', 'rate-limited'])
      await proxy.setMode('pass')
      await expect
        .poll(async () => (await sql('SELECT points FROM {schema}.rate_limits'))[0]?.points, {
          timeout: 8_000,
          interval: 300,
        })
        .toBe(2)
      await expect
        .poll(
          async () => {
            await limits.take({ limit: 'pages', key: ['198.51.100.3'] })
            return (await sql('SELECT 1 FROM {schema}.rate_limits')).length
          },
          { timeout: 8_000, interval: 300 },
        )
        .toBe(2)
    },
  )

  it('hold back a client after its failures in memory', async () => {
    const limits = await instance()
    await proxy.setMode('refuse')
    const failure: Use = { limit: 'clientAuthentication', key: [ADDRESS, 'client'] }
    await takeMany(limits, 9, failure)
    expect(await limits.waitFor(failure)).toBeUndefined()
    await takeMany(limits, 1, failure)
    expect(await limits.waitFor(failure)).toBeGreaterThan(290)
  })

  it('work from the start when it was never there', async () => {
    const database = createDatabase({
      connectionString: 'postgresql://postgres@127.0.0.1:1/none',
      connectTimeoutMilliseconds: 1000,
    })
    open.push(database)
    const limits = createRateLimits({
      settings: limitSettings({}),
      database,
      secrets,
      events: { record: async () => undefined, tell: () => undefined },
    })
    expect(passed(await takeMany(limits, 6))).toBe(5)
  })
})
