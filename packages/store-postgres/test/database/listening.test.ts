import type { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, NotificationListener, Statement } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { type Cluster, startCluster } from '../support/engines.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'

const NOTIFY: Statement = { name: 'test_notify', text: 'SELECT pg_notify($1, $2)' }
const LISTENERS: Statement = {
  name: 'test_listeners',
  text: `SELECT pid FROM pg_stat_activity
    WHERE application_name = 'mcp-auth' AND (query LIKE 'LISTEN%' OR query LIKE 'NOTIFY%')`,
}

/** Keeps what it was told. */
interface Recorder extends NotificationListener {
  readonly payloads: string[]
  resets: number
}

function recorder(): Recorder {
  return {
    payloads: [],
    resets: 0,
    onNotification(payload) {
      this.payloads.push(payload)
    },
    onReset() {
      this.resets += 1
    },
  }
}

describe('listen()', () => {
  let cluster: Cluster
  let proxy: TcpProxy
  let writer: Database
  let errors: StoreUnavailableError[]
  const open: Database[] = []

  function create(options: Partial<DatabaseOptions> = {}): Database {
    const database = createDatabase({
      connectionString: proxy.connectionString(cluster.connectionString()),
      heartbeatMilliseconds: 100,
      onError: (error) => errors.push(error),
      ...options,
    })
    open.push(database)
    return database
  }

  async function expectToHear(listener: Recorder, channel: string, payload: string): Promise<void> {
    await writer.query(NOTIFY, [channel, payload])
    await expect.poll(() => listener.payloads.at(-1), { interval: 5 }).toBe(payload)
  }

  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.remove())
  beforeEach(async () => {
    errors = []
    proxy = await startProxy(cluster)
    writer = createDatabase({ connectionString: cluster.connectionString() })
    open.push(writer)
    await writer.ready()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((database) => database.close()))
    await proxy.close()
  })

  it('tells each channel its own notifications, on one connection', async () => {
    const database = create()
    const [one, two, other] = [recorder(), recorder(), recorder()]
    const stops = await Promise.all([
      database.listen('test_a', one),
      database.listen('test_a', two),
      database.listen('Test_A', other),
    ])
    expect(proxy.connections).toBe(1)
    await expectToHear(one, 'test_a', 'first')
    await expectToHear(other, 'Test_A', '')
    expect(two.payloads).toEqual(['first'])
    expect(one.payloads).toEqual(['first'])
    await stops[0]?.()
    await stops[0]?.()
    await expectToHear(two, 'test_a', 'second')
    expect(one.payloads).toEqual(['first'])
    await stops[1]?.()
    await stops[2]?.()
    await expect.poll(() => proxy.connections).toBe(0)
    expect([one, two, other].map(({ resets }) => resets)).toEqual([0, 0, 0])
    expect(errors).toEqual([])
  })

  it('listens again after it has stopped', async () => {
    const database = create()
    await (await database.listen('test_a', recorder()))()
    const listener = recorder()
    await database.listen('test_a', listener)
    await expectToHear(listener, 'test_a', 'again')
  })

  it.each([`a"; DROP TABLE x; --`, '', '1a', 'a'.repeat(64), 'a b'])(
    'refuses the channel %j, which could not be quoted safely',
    async (channel) => {
      await expect(create().listen(channel, recorder())).rejects.toThrow(TypeError)
    },
  )

  it('a connection killed is opened again, and everybody is told that something may be missed', async () => {
    const database = create()
    const [one, two] = [recorder(), recorder()]
    await database.listen('test_a', one)
    await database.listen('test_b', two)
    const [row] = await writer.query(LISTENERS)
    await writer.query({ name: 'test_kill', text: 'SELECT pg_terminate_backend($1)' }, [
      Number(row?.pid),
    ])
    await expect.poll(() => [one.resets, two.resets]).toEqual([1, 1])
    await expectToHear(one, 'test_a', 'back')
    await expectToHear(two, 'test_b', 'back')
    expect(errors[0]).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code: '57P01' } })
  })

  it('F11 a network that went mute is found by the heartbeat', async () => {
    const database = create()
    const listener = recorder()
    await database.listen('test_a', listener)
    const started = performance.now()
    await proxy.setMode('mute')
    await expect.poll(() => errors.length, { timeout: 4_000 }).toBeGreaterThan(0)
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(listener.resets).toBe(0)
    await proxy.setMode('pass')
    await expect.poll(() => listener.resets, { timeout: 5_000 }).toBe(1)
    await expectToHear(listener, 'test_a', 'back')
    expect(errors[0]?.message).toContain('heartbeat')
  })

  it('stays connected while heartbeats are answered', async () => {
    const database = create({ heartbeatMilliseconds: 50 })
    const listener = recorder()
    await database.listen('test_a', listener)
    await expect.poll(async () => (await writer.query(LISTENERS)).length, { interval: 20 }).toBe(1)
    const beats = () => cluster.log().split('NOTIFY "mcp_auth_heartbeat_').length
    const before = beats()
    await expect.poll(beats).toBeGreaterThan(before + 5)
    expect(proxy.connections).toBe(1)
    expect(listener.resets).toBe(0)
    expect(errors).toEqual([])
  })

  it('F10 begins while the database is down, and goes on by itself', async () => {
    await proxy.setMode('refuse')
    const database = create()
    const listener = recorder()
    await database.listen('test_a', listener)
    expect(errors[0]).toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await expect.poll(() => errors.length).toBeGreaterThan(2)
    await proxy.setMode('pass')
    await expect.poll(() => listener.resets, { timeout: 5_000 }).toBe(1)
    await expectToHear(listener, 'test_a', 'up')
  })

  it('a listener that throws harms neither the others nor the process', async () => {
    const database = create()
    const warned = new Promise((resolve) => process.once('warning', resolve))
    await database.listen('test_a', {
      onNotification() {
        throw new Error('of the listener')
      },
      onReset() {},
    })
    const listener = recorder()
    await database.listen('test_a', listener)
    await expectToHear(listener, 'test_a', 'heard')
    await expect(warned).resolves.toMatchObject({ message: 'of the listener' })
  })

  it('opens nothing after close, also while it was reconnecting', async () => {
    const database = create()
    await database.listen('test_a', recorder())
    await proxy.setMode('refuse')
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    await database.close()
    const before = errors.length
    await proxy.setMode('pass')
    // Longer than the longest wait before a new attempt at this point.
    await expect(
      expect.poll(() => proxy.connections, { timeout: 600 }).toBeGreaterThan(0),
    ).rejects.toThrow()
    expect(errors.length).toBe(before)
  })

  it('keeps no process alive, listening or idle', async () => {
    const holding = () =>
      process
        .getActiveResourcesInfo()
        .filter((name) => /^(?:TCP|Timeout)/.test(name))
        .sort()
    await writer.close()
    const before = holding()
    const database = create({ connectionString: cluster.connectionString() })
    await database.ready()
    await database.listen('test_a', recorder())
    await expect.poll(holding).toEqual(before)
  })
})
