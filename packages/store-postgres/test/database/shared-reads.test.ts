import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  type ConnectionPurpose,
  type Connections,
  type ConnectionUse,
  createConnections,
} from '../../src/database/connections.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Statement } from '../../src/database/database.js'
import { parseDatabaseOptions } from '../../src/database/options.js'
import type { PgPool, PgPoolClient } from '../../src/database/pg-pool.js'
import { createPostgresDatabase } from '../../src/database/postgres-database.js'
import { type TestDatabase, testEngines } from '../support/engines.js'

/** A Pool that gives a connection when the test says so. */
function handPool(most: number) {
  const asked: Parameters<PgPool['connect']>[0][] = []
  const destroyed: PgPoolClient[] = []
  let idle: PgPoolClient[] = []
  let made = 0

  function give(): void {
    while (asked.length > 0 && (idle.length > 0 || made < most)) {
      const client = idle.pop() ?? createClient()
      asked.shift()?.(undefined, client, () => {})
    }
  }

  function createClient(): PgPoolClient {
    made += 1
    const client: PgPoolClient = {
      on: () => {},
      query: () => {},
      release(destroy) {
        if (destroy === true) {
          destroyed.push(client)
          made -= 1
        } else idle = [...idle, client]
        queueMicrotask(give)
      },
    }
    return client
  }

  return {
    asked,
    destroyed,
    give,
    /** Lets every caller that waits hear that there is no database. */
    refuse() {
      while (asked.length > 0) asked.shift()?.(new Error('refused'), undefined, () => {})
    },
    pool: {
      on: () => {},
      connect: (callback: (typeof asked)[number]) => void asked.push(callback),
    },
  }
}

const DOUBLE: Statement = { name: 'test_double', text: 'SELECT $1::int * 2 AS value' }
const LOST = { command: '', rows: [] }

interface Started {
  readonly name: string
  readonly client: PgPoolClient
  readonly use: ConnectionUse
}

/** Starts uses by name, and keeps what became of them. */
function observe(connections: Connections) {
  const started: Started[] = []
  const failed = new Map<string, unknown>()
  return {
    started,
    failed,
    startedAs: (name: string) => started.find((each) => each.name === name),
    start(name: string, purpose: ConnectionPurpose, signal?: AbortSignal, milliseconds = 60_000) {
      connections.use(
        milliseconds,
        signal,
        {
          onConnection: (client, use) => void started.push({ name, client, use }),
          onFailure: (error) => void failed.set(name, error),
        },
        purpose,
      )
    },
  }
}

function open(most: number, pipelining: 'all' | 'none' = 'all') {
  const pool = handPool(most)
  const connections = createConnections(pool.pool, {
    acquireMilliseconds: 60_000,
    pipelines: pipelining === 'all' ? most : undefined,
    isShared: false,
  })
  onTestFinished(() => connections.close())
  return { pool, ...observe(connections) }
}

describe('reads that find every connection taken by reads', () => {
  it('go along with them, those that came before the connections as well', async () => {
    const { pool, started, start } = open(2)
    for (let index = 0; index < 40; index += 1) start(`before ${index}`, 'read')
    expect(pool.asked).toHaveLength(2)
    pool.give()
    for (let index = 0; index < 40; index += 1) start(`after ${index}`, 'read')
    expect(started).toHaveLength(80)
    expect(new Set(started.map(({ client }) => client)).size).toBe(2)
    expect(pool.asked).toHaveLength(0)
  })

  it('wait for a connection each where statements are not pipelined', () => {
    const { pool, started, start } = open(2, 'none')
    for (let index = 0; index < 40; index += 1) start(`read ${index}`, 'read')
    pool.give()
    expect(started).toHaveLength(2)
    expect(pool.asked).toHaveLength(38)
  })

  it('are at most 100 on one connection', () => {
    const { pool, started, start } = open(1)
    for (let index = 0; index < 150; index += 1) start(`read ${index}`, 'read')
    pool.give()
    expect(started).toHaveLength(100)
    expect(pool.asked).toHaveLength(1)
  })

  it('start when those before them are done', async () => {
    const { pool, started, start } = open(1)
    for (let index = 0; index < 150; index += 1) start(`read ${index}`, 'read')
    pool.give()
    for (const { use } of started.slice(0, 100)) use.end(false)
    await expect.poll(() => started.length).toBe(150)
  })

  it('never travel with a transaction', () => {
    const { pool, started, start } = open(1)
    start('transaction', 'any')
    pool.give()
    start('read', 'read')
    expect(started.map(({ name }) => name)).toEqual(['transaction'])
    expect(pool.asked).toHaveLength(1)
  })

  it('leave a connection to a transaction that waits', async () => {
    const { pool, started, start, startedAs } = open(2)
    start('first', 'read')
    start('second', 'read')
    pool.give()
    start('transaction', 'any')
    for (let index = 0; index < 10; index += 1) start(`read ${index}`, 'read')
    const older = startedAs('first')
    expect(started.filter(({ client }) => client === older?.client)).toEqual([older])
    expect(started).toHaveLength(12)
    older?.use.end(false)
    await expect.poll(() => startedAs('transaction')?.client).toBe(older?.client)
  })

  it('wait behind a transaction that wants the only connection, and come after it', async () => {
    const { pool, started, start, startedAs } = open(1)
    start('first', 'read')
    pool.give()
    start('transaction', 'any')
    for (let index = 0; index < 10; index += 1) start(`read ${index}`, 'read')
    expect(started.map(({ name }) => name)).toEqual(['first'])
    startedAs('first')?.use.end(false)
    await expect.poll(() => started.map(({ name }) => name)).toEqual(['first', 'transaction'])
    startedAs('transaction')?.use.end(false)
    await expect.poll(() => started.length).toBe(12)
  })

  it('go on when one of them is given up', () => {
    const { pool, started, failed, start, startedAs } = open(1)
    const abort = new AbortController()
    start('given up', 'read', abort.signal)
    start('other', 'read')
    pool.give()
    abort.abort(new Error('enough'))
    expect(failed.get('given up')).toEqual(new Error('enough'))
    expect(failed.has('other')).toBe(false)
    expect(pool.destroyed).toEqual([])
    for (const { use } of started) use.end(false)
    start('later', 'read')
    expect(startedAs('later')?.client).toBe(startedAs('other')?.client)
  })

  it('end a connection on which nobody else reads when it is given up', () => {
    const { pool, failed, start } = open(1)
    const abort = new AbortController()
    start('given up', 'read', abort.signal)
    pool.give()
    abort.abort(new Error('enough'))
    expect(failed.has('given up')).toBe(true)
    expect(pool.destroyed).toHaveLength(1)
  })

  it('end a broken connection once, and go to another', async () => {
    const { pool, started, start, startedAs } = open(1)
    start('one', 'read')
    start('two', 'read')
    pool.give()
    startedAs('one')?.use.end(true)
    start('three', 'read')
    expect(startedAs('three')).toBeUndefined()
    startedAs('two')?.use.end(true)
    expect(pool.destroyed).toHaveLength(1)
    await expect.poll(() => startedAs('three')?.client).toBeDefined()
    expect(startedAs('three')?.client).not.toBe(started[0]?.client)
  })

  it('end the connection when the answer to one that was given up never comes', async () => {
    const { pool, failed, start } = open(1)
    const abort = new AbortController()
    start('given up', 'read', abort.signal, 50)
    start('other', 'read')
    pool.give()
    abort.abort()
    await expect.poll(() => pool.destroyed).toHaveLength(1)
    expect([...failed.keys()]).toEqual(['given up'])
  })

  it.each([
    ['is run again', 'waiting', 2],
    ['is not run again for a caller who is gone', 'gone', 1],
  ] as const)('and of which one is lost with its connection %s', async (_, caller, runs) => {
    const answers: ((error: Error) => void)[] = []
    const connect: PgPool['connect'] = (callback) => {
      const client: PgPoolClient = {
        on: () => {},
        release: () => {},
        query: (_config, answer) => void answers.push((error) => answer(error, LOST)),
      }
      callback(undefined, client, () => {})
    }
    const pool = { on: () => {}, connect }
    const database = createPostgresDatabase(parseDatabaseOptions({ pool, listen: false }))
    onTestFinished(() => database.close())
    const calling = new AbortController()
    const read = database.query(DOUBLE, [1], { signal: calling.signal })
    read.catch(() => {})
    await expect.poll(() => answers).toHaveLength(1)
    if (caller === 'gone') calling.abort(new Error('enough'))
    answers[0]?.(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    await new Promise((resolve) => setImmediate(resolve))
    expect(answers).toHaveLength(runs)
    if (caller === 'gone') await expect(read).rejects.toThrow('enough')
    else answers[1]?.(new Error('over'))
  })

  it('hear one by one that there is no database', async () => {
    const { pool, failed, start } = open(2)
    for (let index = 0; index < 40; index += 1) start(`read ${index}`, 'read')
    for (let turn = 0; turn < 40; turn += 1) pool.refuse()
    expect(failed.size).toBe(40)
  })
})

const SLOW: Statement = {
  name: 'test_slow',
  text: 'SELECT $1::int * 2 AS value, pg_sleep(0.3) IS NULL AS slept',
}

const valuesOf = (answers: readonly (readonly Readonly<Record<string, unknown>>[])[]) =>
  answers.map(([row]) => row?.value)

const postgres = testEngines().filter(({ kind }) => kind === 'postgres')

describe.each(postgres)('reads on two connections of $name', (engine) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let test: TestDatabase
    beforeAll(async () => {
      test = await engine.createDatabase()
    })
    afterAll(() => test?.drop())

    async function openDatabase() {
      const database = createDatabase({ ...test.options, maxConnections: 2, listen: false })
      onTestFinished(() => database.close())
      await database.ready()
      return database
    }

    it('are all answered, each with its own answer, beside transactions', async () => {
      const database = await openDatabase()
      const reads = Array.from({ length: 1_000 }, (_, index) => database.query(DOUBLE, [index]))
      const transactions = Array.from({ length: 20 }, (_, index) =>
        database.transaction((session) => session.query(DOUBLE, [index])),
      )
      expect(valuesOf(await Promise.all(reads))).toEqual(reads.map((_, index) => index * 2))
      expect(valuesOf(await Promise.all(transactions))).toEqual(
        transactions.map((_, index) => index * 2),
      )
    })

    it('are all answered when the server ends a connection under them', async () => {
      const database = await openDatabase()
      const reads = Array.from({ length: 6 }, (_, index) => database.query(SLOW, [index]))
      const admin = new pg.Client({ connectionString: test.connectionString })
      await admin.connect()
      onTestFinished(() => admin.end())
      const ended = async () => {
        const { rows } = await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE pid <> pg_backend_pid() AND datname = current_database() AND state = 'active'
          LIMIT 1`)
        return rows.length
      }
      await expect.poll(ended, { interval: 5 }).toBe(1)
      expect(valuesOf(await Promise.all(reads))).toEqual(reads.map((_, index) => index * 2))
    })
  })
})
