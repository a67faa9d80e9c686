import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Statement } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { type Cluster, portableProfile, serverEngines, startCluster } from '../support/engines.js'
import { COUNT, expectOutage, expectService, LIMIT_MILLISECONDS, times } from '../support/outage.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'

const PING: Statement = { name: 'test_ping', text: 'SELECT 1 AS one' }
const SLEEP: Statement = { name: 'test_sleep', text: 'SELECT pg_sleep(30)' }
const CONNECTIONS: Statement = {
  name: 'test_connections',
  text: `SELECT count(*) FILTER (WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid())
      AS sleeping
    FROM pg_stat_activity WHERE application_name = 'mcp-auth'`,
}

const open: { close(): Promise<void> }[] = []

function create(options: DatabaseOptions): Database {
  const database = createDatabase(options)
  open.push(database)
  return database
}

async function connectAdmin(address: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: address })
  client.on('error', () => {})
  await client.connect()
  return client
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

describe('a network that fails', () => {
  let cluster: Cluster
  let proxy: TcpProxy
  let connectionString: string

  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.remove())
  beforeEach(async () => {
    proxy = await startProxy(cluster)
    connectionString = proxy.connectionString(cluster.connectionString())
  })
  afterEach(() => proxy.close())

  /** A database all of whose connections are open and idle. */
  async function warm(options: Partial<DatabaseOptions> = {}): Promise<Database> {
    const database = create({ connectionString, ...options })
    await database.ready()
    await Promise.all(times(5, () => database.query(PING)))
    return database
  }

  it.each(['refuse', 'reset', 'mute'] as const)(
    'X27 F11 %s: an answer in time, and full service when it is back',
    async (mode) => {
      const database = await warm()
      await proxy.setMode(mode)
      await expectOutage(times(20, () => database.query(COUNT)))
      await expectOutage([database.query(COUNT)])
      await proxy.setMode('pass')
      await expectService(database)
    },
  )

  it.each([
    ['default', {}],
    ['portable', portableProfile],
  ])('X27 mute before the first connection, %s profile', async (_profile, profile) => {
    const database = create({ connectionString, ...profile })
    await proxy.setMode('mute')
    await expectOutage(times(20, () => database.query(COUNT)))
    await proxy.setMode('pass')
    await expectService(database)
  })

  it('F11 idle connections that lead nowhere cost one timeout, not one each', async () => {
    const database = await warm()
    await proxy.setMode('mute')
    await expectOutage([database.query(COUNT)])
    await proxy.setMode('pass')
    const started = performance.now()
    for (let call = 0; call < 10; call += 1) await database.query(COUNT)
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  it('X27 a write is an outage when its own, longer deadline has passed', async () => {
    const database = await warm()
    await proxy.setMode('mute')
    const started = performance.now()
    await expect(database.query(PING, [], { kind: 'write' })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect(performance.now() - started).toBeGreaterThan(4_500)
    expect(performance.now() - started).toBeLessThan(5_500)
  })

  it('F13 is slow, not broken, at 300 ms of latency', async () => {
    const database = await warm()
    proxy.setLatency(150)
    const outcomes = await Promise.all(times(10, () => database.query(PING)))
    expect(outcomes).toHaveLength(10)
  })

  it('closes in time while the network is mute, and leaves no connection', async () => {
    const database = await warm()
    await proxy.setMode('mute')
    const started = performance.now()
    await database.close()
    expect(performance.now() - started).toBeLessThan(LIMIT_MILLISECONDS)
    await expect.poll(() => proxy.connections).toBe(0)
    await expectOutage([database.query(PING), database.transaction(async () => 1)])
    await database.close()
  })

  it('rejects with the reason of a signal, and goes on', async () => {
    const database = await warm({ maxConnections: 1 })
    const controller = new AbortController()
    const reason = new Error('of the caller')
    const { signal } = controller
    const calls = [
      database.query(SLEEP, [], { signal }),
      database.transaction((session) => session.query(SLEEP), { signal }),
    ]
    setImmediate(() => controller.abort(reason))
    for (const call of calls) await expect(call).rejects.toBe(reason)
    await expect(database.query(PING, [], { signal })).rejects.toBe(reason)
    expect(await database.query(PING)).toEqual([{ one: 1 }])
  })
})

describe('a busy database', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.remove())

  it('X27 a hung query: an answer in time, and the server ends it too', async () => {
    const database = create({ connectionString: cluster.connectionString() })
    await database.ready()
    await expectOutage(times(3, () => database.query(SLEEP)))
    expect(await database.query(PING)).toEqual([{ one: 1 }])
    await expect
      .poll(async () => (await database.query(CONNECTIONS))[0]?.sleeping, { timeout: 8_000 })
      .toBe('0')
  })

  it('X27 a pool exhausted by 200 calls: an answer in time, and service after it', async () => {
    const database = create({ connectionString: cluster.connectionString() })
    await database.ready()
    await expectOutage(times(200, () => database.query(SLEEP)))
    await expectService(database)
  })

  it('X27 a pool of others that never frees a connection: an answer in time', async () => {
    const pool = new pg.Pool({ connectionString: cluster.connectionString(), max: 2 })
    const database = create({ pool })
    await database.ready()
    const taken = [await pool.connect(), await pool.connect()]
    await expectOutage(times(200, () => database.query(PING)))
    for (const client of taken) client.release()
    await expectService(database)
    await database.close()
    // It is still theirs, and open.
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    expect(pool.totalCount).toBeLessThanOrEqual(2)
    await pool.end()
  })

  it('a transaction that hangs in the code of the caller ends with its deadline', async () => {
    const database = create({ connectionString: cluster.connectionString(), maxConnections: 1 })
    await database.ready()
    const started = performance.now()
    const hanging = database.transaction(() => new Promise(() => {}), { timeoutMilliseconds: 300 })
    await expect(hanging).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(await database.query(PING)).toEqual([{ one: 1 }])
  })

  it('X31 53300 too many connections is an outage until one is free', async () => {
    const small = await startCluster(undefined, { settings: { max_connections: '6' } })
    const admin = await connectAdmin(small.connectionString())
    await admin.query('CREATE ROLE app LOGIN')
    await admin.query('GRANT CREATE ON DATABASE postgres TO app')
    const address = small.connectionString().replace('postgres@', 'app@')
    const database = create({ connectionString: address })
    await database.ready()
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-auth'",
    )
    // A backend that was told to end holds its place until it has ended.
    const own = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'mcp-auth'"
    await expect.poll(async () => (await admin.query(own)).rows).toEqual([])
    const others: pg.Client[] = []
    for (let refused = 0; refused < 3; ) {
      const client = new pg.Client({ connectionString: address })
      client.on('error', () => {})
      try {
        await client.connect()
        others.push(client)
      } catch {
        refused++
      }
    }
    await expect(database.query(PING)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      cause: { code: '53300' },
    })
    await Promise.all(others.map((client) => client.end()))
    await expect.poll(() => database.query(PING).catch(() => 'down')).toEqual([{ one: 1 }])
    await database.close()
    await admin.end()
    await small.remove()
  })
})

// Each installation by night; by day the first one that runs here, which has been said to run or not.
const running = serverEngines().filter(({ skip }) => skip === undefined)
const installations = isLongForm || running.length === 0 ? serverEngines() : running.slice(0, 1)

describe.each(installations)('a server that goes away: $name', (engine) => {
  let cluster: Cluster | undefined
  afterAll(() => cluster?.remove())

  async function running(): Promise<Cluster> {
    cluster ??= await engine.startCluster()
    return cluster
  }

  it.skipIf(engine.skip)(
    'X28 idle connections killed: process alive, next call answered',
    async () => {
      const server = await running()
      const address = server.connectionString()
      const foreign = new pg.Pool({ connectionString: address })
      const databases = [create({ connectionString: address }), create({ pool: foreign })]
      for (const database of databases) {
        await database.ready()
        await Promise.all(times(5, () => database.query(PING)))
      }
      const admin = new pg.Client({ connectionString: address })
      await admin.connect()
      const { rowCount } = await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = $1 AND pid <> pg_backend_pid()',
        ['client backend'],
      )
      expect(rowCount).toBeGreaterThanOrEqual(6)
      for (const database of databases) expect(await database.query(PING)).toEqual([{ one: 1 }])
      await admin.end()
      await foreign.end()
    },
  )

  it.skipIf(engine.skip)('F01 SIGKILL: only outages, then full service by itself', async () => {
    const server = await running()
    const database = create({ connectionString: server.connectionString() })
    await database.ready()
    const waiting = Promise.allSettled(times(3, () => database.query(SLEEP)))
    // The others are in the server before it is killed.
    await expect.poll(async () => (await database.query(CONNECTIONS))[0]?.sleeping).toBe('3')
    await server.kill()
    await expectOutage(times(20, () => database.query(COUNT)))
    await expectOutage(
      (await waiting).map(async (each) => {
        if (each.status === 'rejected') throw each.reason
      }),
    )
    await server.start()
    await expectService(database)
  })

  it.skipIf(engine.skip)('F10 a database that is down at the start', async () => {
    const server = await running()
    await server.stop()
    const database = create({ connectionString: server.connectionString(), schema: 'cold' })
    await expectOutage([database.ready(), database.query(COUNT)])
    await server.start()
    await expectService(database)
  })
})
