import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Statement } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { portableProfile, type TestDatabase, testEngines } from '../support/engines.js'
import { startProxy } from '../support/proxy.js'

const postgres = testEngines().filter(({ kind }) => kind === 'postgres')
const VALUES: Statement = {
  name: 'test_values',
  text: `SELECT $1::bytea AS bytes, $2::timestamptz AS at, $3::bigint AS big, $4::text AS text,
    $5::boolean AS flag, $6::text[] AS texts, $7::bytea[] AS many, $8::int AS small, $9::jsonb AS json`,
}
const PUT: Statement = {
  name: 'test_put',
  text: `INSERT INTO {schema}.leases VALUES ($1, decode(repeat('00', 32), 'hex'), gen_random_uuid(), now())`,
}
const TOTAL: Statement = {
  name: 'test_total',
  text: 'SELECT count(*)::int AS n FROM {schema}.leases',
}
const SERIALIZABLE: Statement = {
  name: 'test_serializable',
  text: 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
}
const TIMEOUT: Statement = { name: 'test_timeout', text: 'SHOW statement_timeout' }

function createSignal(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve: () => resolve() }
}

function addressOf({ options }: TestDatabase): string {
  return 'connectionString' in options ? options.connectionString : ''
}

describe.each(postgres)('$name', (engine) => {
  let test: TestDatabase
  let database: Database
  const open: Database[] = []

  beforeAll(async () => {
    if (engine.skip === undefined) test = await engine.createDatabase()
  })
  afterAll(() => test?.drop())
  beforeEach(async (context) => {
    if (engine.skip !== undefined) context.skip(engine.skip)
    database = createDatabase(test.options)
    open.push(database)
    await database.query({ name: 'test_clear', text: 'DELETE FROM {schema}.leases' })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })

  it.each([
    ['named statements', {}],
    ['the portable profile', portableProfile],
  ])('reads and writes every kind of value with %s', async (_title, profile) => {
    const other = createDatabase({ ...test.options, ...profile })
    open.push(other)
    const at = new Date('2026-11-21T12:34:56.789Z')
    const bytes = Uint8Array.of(0, 1, 92, 255)
    const text = `'; DROP TABLE x;-- % _ \\ " $1 ä 🔑 \n`
    const values = [bytes, at, 2n ** 62n, text, true, [text, ''], [bytes, Uint8Array.of()], 5, '{}']
    // Twice, since the second time it is prepared.
    for (let time = 0; time < 2; time += 1) {
      const [row] = await other.query(VALUES, values)
      expect(row).toEqual({
        bytes: Buffer.from(bytes),
        at,
        big: '4611686018427387904',
        text,
        flag: true,
        texts: [text, ''],
        many: [Buffer.from(bytes), Buffer.alloc(0)],
        small: 5,
        json: {},
      })
    }
    const nothing = await other.query(VALUES, Array(9).fill(null))
    expect(Object.values(nothing[0] ?? {})).toEqual(Array(9).fill(null))
  })

  it('reads the same whatever parsers an application registers with pg', async () => {
    const original = [17, 20, 1184].map((oid) => [oid, pg.types.getTypeParser(oid)] as const)
    for (const [oid] of original) pg.types.setTypeParser(oid, () => 'of the application')
    try {
      const [row] = await database.query({
        name: 'test_parsers',
        text: `SELECT '\\x00ff'::bytea AS bytes, 7::bigint AS big, '2026-11-21 10:00:00+05:30'::timestamptz AS at`,
      })
      expect(row).toEqual({
        bytes: Buffer.of(0, 255),
        big: '7',
        at: new Date('2026-11-21T04:30:00Z'),
      })
    } finally {
      for (const [oid, parser] of original) pg.types.setTypeParser(oid, parser)
    }
  })

  it('commits what a transaction returned, and nothing of one that rejected', async () => {
    const count = await database.transaction(async (session) => {
      // Without waiting: they are sent one after the other all the same.
      await Promise.all([session.query(PUT, ['a']), session.query(PUT, ['b'])])
      return (await session.query(TOTAL))[0]?.n
    })
    expect(count).toBe(2)
    const failing = database.transaction(async (session) => {
      await session.query(PUT, ['c'])
      throw new RangeError('of the caller')
    })
    await expect(failing).rejects.toThrow(RangeError)
    const swallowed = database.transaction(async (session) => {
      await session.query(PUT, ['d'])
      await session.query(PUT, ['d']).catch(() => {})
    })
    await expect(swallowed).rejects.toMatchObject({ cause: { code: '23505' } })
    expect(await database.query(TOTAL)).toEqual([{ n: 2 }])
  })

  it('fails with a last statement that nobody waited for, whoever made the connection', async () => {
    const pool = new pg.Pool({ connectionString: addressOf(test), max: 2 })
    const foreign = createDatabase({ pool })
    const portable = createDatabase({ ...test.options, ...portableProfile })
    open.push(foreign, portable)
    for (const each of [database, foreign, portable]) {
      await each.query({ name: 'test_clear', text: 'DELETE FROM {schema}.leases' })
      const put = (...names: readonly string[]) =>
        each.transaction(async (session) => {
          for (const name of names.slice(0, -1)) await session.query(PUT, [name])
          session.query(PUT, [names.at(-1) ?? '']).catch(() => {})
          return 'committed'
        })
      expect(await put('a', 'b')).toBe('committed')
      await expect(put('c', 'c')).rejects.toMatchObject({ cause: { code: '23505' } })
      expect(await each.query(TOTAL)).toEqual([{ n: 2 }])
    }
    await foreign.close()
    await pool.end()
  })

  it('fails with a last statement that could not be sent', async () => {
    const unsendable = { toPostgres: () => expect.unreachable() } as unknown as string
    const failing = database.transaction(async (session) => {
      await session.query(PUT, ['a'])
      session.query(PUT, [unsendable]).catch(() => {})
    })
    await expect(failing).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('lets nothing follow a rollback', async () => {
    let late: Promise<unknown> = Promise.resolve()
    const failing = database.transaction(async (session) => {
      await session.query(TOTAL)
      late = new Promise((resolve, reject) => {
        // The rollback was sent by then, and is not answered.
        setImmediate(() => session.query(PUT, ['late']).then(resolve, reject))
      })
      late.catch(() => {})
      throw new RangeError('of the caller')
    })
    await expect(failing).rejects.toThrow(RangeError)
    await expect(late).rejects.toMatchObject({ cause: { code: 'ERR_CLOSED' } })
    expect(await database.query(TOTAL)).toEqual([{ n: 0 }])
  })

  it('sends the first statement with BEGIN and the last with COMMIT, where it knows the server', async () => {
    const address = addressOf(test)
    const proxy = await startProxy({ port: Number(new URL(address).port) })
    const connectionString = proxy.connectionString(address)
    const packetsOf = async (options: DatabaseOptions) => {
      const each = createDatabase({ connectionString, ...options })
      open.push(each)
      const transact = () =>
        each.transaction(async (session) => {
          await session.query(TOTAL)
          session.query(PUT, [crypto.randomUUID()]).catch(() => {})
        })
      await transact()
      const before = proxy.packets
      await transact()
      return proxy.packets - before
    }
    try {
      expect(await packetsOf({ listen: false })).toBe(2)
      expect(await packetsOf({ listen: false, prepared: false })).toBeGreaterThan(3)
    } finally {
      await Promise.all(open.splice(0).map((each) => each.close()))
      await proxy.close()
    }
  })

  it('X31 40001 a real serialization conflict is retried until both have committed', async () => {
    let runs = 0
    let reads = 0
    const bothHaveRead = createSignal()
    const countUp = (name: string) =>
      database.transaction(async (session) => {
        runs += 1
        await session.query(SERIALIZABLE)
        const [row] = await session.query(TOTAL)
        reads += 1
        if (reads >= 2) bothHaveRead.resolve()
        await bothHaveRead.promise
        await session.query(PUT, [`${name} after ${row?.n}`])
      })
    await Promise.all([countUp('a'), countUp('b')])
    expect(runs).toBeGreaterThan(2)
    expect(await database.query(TOTAL)).toEqual([{ n: 2 }])
  })

  it('X31 40P01 a real deadlock is retried until both have committed', async () => {
    const lock: Statement = { name: 'test_lock', text: 'SELECT pg_advisory_xact_lock($1)' }
    let runs = 0
    let held = 0
    const bothHold = createSignal()
    const lockBoth = (first: number, second: number) =>
      database.transaction(
        async (session) => {
          runs += 1
          await session.query(lock, [first])
          held += 1
          if (held === 2) bothHold.resolve()
          await bothHold.promise
          await session.query(lock, [second])
          await session.query(PUT, [String(first)])
        },
        { kind: 'write' },
      )
    await Promise.all([lockBoth(1, 2), lockBoth(2, 1)])
    expect(runs).toBe(3)
    expect(await database.query(TOTAL)).toEqual([{ n: 2 }])
  })

  it('X31 25006 a read-only database is an outage for writes, and reads go on', async () => {
    const name = new URL(test.connectionString ?? '').pathname.slice(1)
    await database.query({
      name: 'test_read_only',
      text: `ALTER DATABASE ${name} SET default_transaction_read_only = on`,
    })
    try {
      const reader = createDatabase(test.options)
      open.push(reader)
      const failure = reader.query(PUT, ['a'], { kind: 'write' })
      await expect(failure).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        cause: { code: '25006' },
      })
      expect(await reader.query(TOTAL)).toEqual([{ n: 0 }])
    } finally {
      await database.query({
        name: 'test_writable',
        text: `ALTER DATABASE ${name} RESET default_transaction_read_only`,
      })
    }
  })

  it('X31 57P01 a transaction whose connection is ended is an outage', async () => {
    const failure = database.transaction((session) =>
      session.query({ name: 'test_end', text: 'SELECT pg_terminate_backend(pg_backend_pid())' }),
    )
    await expect(failure).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      cause: { code: '57P01' },
    })
    expect(await database.query(TOTAL)).toEqual([{ n: 0 }])
  })

  it('X28 a connection that dies between two statements of a transaction ends no process', async () => {
    const failure = database.transaction(async (session) => {
      const [row] = await session.query({
        name: 'test_pid',
        text: 'SELECT pg_backend_pid() AS pid',
      })
      await database.query({ name: 'test_kill', text: 'SELECT pg_terminate_backend($1)' }, [
        Number(row?.pid),
      ])
      // By now the end of the connection has been read, while no statement was running.
      await database.query(TOTAL)
      await session.query(PUT, ['a'])
    })
    await expect(failure).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await database.query(TOTAL)).toEqual([{ n: 0 }])
  })

  it('limits statements in the server too, by kind', async () => {
    const limitOf = async (each: Database, kind: 'read' | 'maintenance') =>
      (await each.query(TIMEOUT, [], { kind }))[0]?.statement_timeout
    expect(await limitOf(database, 'read')).toBe('6s')
    expect(await limitOf(database, 'maintenance')).toBe('1min')
    const inside = (each: Database) =>
      each.transaction(async (session) => (await session.query(TIMEOUT))[0]?.statement_timeout, {
        kind: 'write',
      })
    expect(await inside(database)).toBe('5s')
    const portable = createDatabase({ ...test.options, ...portableProfile })
    open.push(portable)
    await portable.ready()
    // Poolers refuse to start sessions with parameters.
    expect(await limitOf(portable, 'read')).toBe('0')
    expect(await inside(portable)).toBe('5s')
  })

  it('shares a pool of others, and leaves it open', async () => {
    const pool = new pg.Pool({ connectionString: test.connectionString, max: 2 })
    const shared = createDatabase({ pool })
    expect(await shared.query(TOTAL)).toEqual([{ n: 0 }])
    const seen: string[] = []
    const heard = createSignal()
    const stop = await shared.listen('test_shared', {
      onNotification(payload) {
        seen.push(payload)
        heard.resolve()
      },
      onReset() {},
    })
    await pool.query("NOTIFY test_shared, 'hello'")
    await heard.promise
    expect(seen).toEqual(['hello'])
    // LISTEN has a connection of its own, beside the pool.
    expect(pool.totalCount).toBeLessThanOrEqual(2)
    await stop()
    await shared.close()
    await expect(shared.query(TOTAL)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(shared.listen('x', { onNotification() {}, onReset() {} })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })

  it('refuses to listen when that is switched off', async () => {
    const portable = createDatabase({ ...test.options, ...portableProfile })
    open.push(portable)
    expect(portable.listens).toBe(false)
    const refused = portable.listen('x', { onNotification() {}, onReset() {} })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_STORE_UNSUPPORTED' })
  })
})
