import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, NotificationListener, Statement } from '../../src/database/database.js'
import { createPgliteDatabase } from '../../src/pglite/pglite-database.js'
import { fillWithPglite } from '../support/prepared-folders.js'
import { createChildren } from './support/child.js'

const CANARY = 'canary-pglite-parameter'

const home = mkdtempSync(join(tmpdir(), 'mcp-auth-pglite-'))
const children = createChildren()

afterAll(async () => {
  await children.end()
  rmSync(home, { recursive: true, force: true })
})

function sql(text: string): Statement {
  return { name: 'test', text }
}

/** Resolves when the returned function is called. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

function errorText(error: unknown): string {
  return inspect(error, { depth: 9, showHidden: true })
}

/** Expects what an open database has in its folder, for its owner only. */
function expectPrivate(folder: string): void {
  expect(readdirSync(folder).sort()).toEqual(['admin.sock', 'pglite', 'pglite.lock'])
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, 'pglite')).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, 'admin.sock')).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'pglite.lock')).mode & 0o777).toBe(0o600)
}

describe('createPgliteDatabase()', () => {
  it.each([
    ['no folder', {}, 'dataDir'],
    ['an empty folder', { dataDir: '' }, 'dataDir'],
    ['an address', { dataDir: 'idb://x' }, 'dataDir'],
    ['a schema that could end the quotes', { dataDir: 'x', schema: 'a"b' }, 'schema'],
    ['an unknown option', { dataDir: 'x', datadir: 'y' }, 'datadir'],
    ['attaching to memory', { dataDir: 'memory://', attach: true }, 'attach'],
    ['a path too long for a socket', { dataDir: `/${'x'.repeat(90)}` }, 'dataDir'],
  ])('refuses %s at once', (_, options, path) => {
    expect(() => createPgliteDatabase(options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIGURATION',
        problems: [expect.objectContaining({ path })],
      }),
    )
  })

  it('accepts a path one byte shorter, and a long one without a socket', () => {
    createPgliteDatabase({ dataDir: `/${'x'.repeat(88)}` })
    createPgliteDatabase({ dataDir: `/${'x'.repeat(90)}`, adminSocket: false })
  })

  it('names the package to install when PGlite is missing, and tries again', async () => {
    let calls = 0
    const missing = () => {
      calls += 1
      return Promise.reject(Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' }))
    }
    const database = createPgliteDatabase({ dataDir: join(home, 'missing') }, missing)
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await expect(database.ready()).rejects.toMatchObject({
        code: 'ERR_CONFIGURATION',
        message: expect.stringContaining('npm install @electric-sql/pglite'),
      })
      expect(calls).toBe(attempt)
    }
    await database.close()
  })
})

describe('database on PGlite', () => {
  const dataDir = join(home, 'data')
  let database: Database

  beforeAll(async () => {
    fillWithPglite(dataDir)
    database = createPgliteDatabase({ dataDir })
    await database.ready()
    await database.query(sql('CREATE TABLE {schema}.things (id bigint, name text)'), [], {
      kind: 'write',
    })
  }, 180_000)

  it('says what it is', () => {
    expect(database).toMatchObject({ engine: 'pglite', schema: 'mcp_auth', listens: true })
  })

  it('keeps everything in a folder that only its owner can look into', () => {
    expectPrivate(dataDir)
  })

  it('answers with the types of every engine', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z')
    const bytes = Uint8Array.from([0, 1, 254, 255])
    const [row] = await database.query(
      sql(`SELECT $1::bytea AS bytes, $2::timestamptz AS at, $3::bigint AS big, $4::text AS nothing,
        $5::boolean AS yes, $6::integer AS number, $7::text[] AS texts, cardinality($8::bytea[]) AS many,
        $9::jsonb AS json, $10::uuid AS uuid, ''::bytea AS empty`),
      [
        bytes,
        at,
        9007199254740993n,
        null,
        true,
        42,
        ['a', 'b"c,{}'],
        [bytes, bytes],
        '{"a":[1,"x"]}',
        '01890000-0000-7000-8000-000000000000',
      ],
    )
    expect(row).toMatchObject({
      at,
      big: '9007199254740993',
      nothing: null,
      yes: true,
      number: 42,
      texts: ['a', 'b"c,{}'],
      many: 2,
      json: { a: [1, 'x'] },
      uuid: '01890000-0000-7000-8000-000000000000',
    })
    expect(row?.bytes).toBeInstanceOf(Uint8Array)
    expect(Buffer.compare(row?.bytes as Uint8Array, bytes)).toBe(0)
    expect(row?.empty).toHaveLength(0)
  })

  it('X33 hides statement and values in errors', async () => {
    const text = `SELECT $1::text::integer AS ${'canary_statement'}`
    const refused = await database.query(sql(text), [CANARY]).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code: '22P02' } })
    expect(errorText(refused)).not.toContain('canary')
    const inside = await database
      .transaction((transaction) => transaction.query(sql(text), [CANARY]))
      .catch((error: unknown) => error)
    expect(inside).toMatchObject({ cause: { code: '22P02' } })
    expect(errorText(inside)).not.toContain('canary')
  })

  it('commits what resolves and rolls back what rejects, with the error of the caller', async () => {
    const insert = sql('INSERT INTO {schema}.things VALUES ($1, $2)')
    const count = sql('SELECT count(*) AS n FROM {schema}.things WHERE name = $1')
    const value = await database.transaction(
      async (transaction) => {
        await transaction.query(insert, [1, 'kept'])
        return 'value'
      },
      { kind: 'write' },
    )
    expect(value).toBe('value')
    const thrown = new Error('own error')
    const rejected = database.transaction(async (transaction) => {
      await transaction.query(insert, [2, 'dropped'])
      throw thrown
    })
    await expect(rejected).rejects.toBe(thrown)
    expect(await database.query(count, ['kept'])).toEqual([{ n: '1' }])
    expect(await database.query(count, ['dropped'])).toEqual([{ n: '0' }])
  })

  it('rejects a transaction in which a failed statement was overlooked', async () => {
    const overlooked = database.transaction(async (transaction) => {
      await transaction.query(sql('INSERT INTO {schema}.things VALUES (3, $1)'), ['overlooked'])
      await transaction.query(sql('SELECT 1/0'), []).catch(() => {})
    })
    await expect(overlooked).rejects.toMatchObject({ cause: { code: '22012' } })
    const found = await database.query(
      sql("SELECT 1 FROM {schema}.things WHERE name = 'overlooked'"),
    )
    expect(found).toEqual([])
  })

  it('lets no statement from outside into a transaction', async () => {
    const { opened, open } = gate()
    const begun = gate()
    const order: string[] = []
    const transaction = database.transaction(async (session) => {
      await session.query(sql("INSERT INTO {schema}.things VALUES (4, 'inside')"))
      begun.open()
      await opened
      order.push('transaction')
      throw new Error('rolled back')
    })
    await begun.opened
    const outside = database
      .query(sql("SELECT count(*) AS n FROM {schema}.things WHERE name = 'inside'"))
      .then((rows) => {
        order.push('outside')
        return rows
      })
    open()
    await expect(transaction).rejects.toThrow('rolled back')
    expect(await outside).toEqual([{ n: '0' }])
    expect(order).toEqual(['transaction', 'outside'])
  })

  it('refuses statements of a transaction that is over', async () => {
    let kept: Parameters<Parameters<Database['transaction']>[0]>[0] | undefined
    await database.transaction(async (session) => {
      kept = session
    })
    await expect(kept?.query(sql('SELECT 1'), [])).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  it('X27 ends the wait at the deadline, rolls back, and leaves out what had not begun', async () => {
    const { opened, open } = gate()
    const transaction = database.transaction(
      async (session) => {
        await session.query(sql("INSERT INTO {schema}.things VALUES (5, 'late')"))
        await opened
      },
      { timeoutMilliseconds: 60 },
    )
    const queued = database.query(sql("INSERT INTO {schema}.things VALUES (6, 'late')"), [], {
      timeoutMilliseconds: 30,
    })
    await expect(queued).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      cause: { code: 'ETIMEDOUT' },
    })
    await expect(transaction).rejects.toMatchObject({ cause: { code: 'ETIMEDOUT' } })
    const rows = await database.query(sql("SELECT 1 FROM {schema}.things WHERE name = 'late'"))
    expect(rows).toEqual([])
    open()
  })

  it('ends the wait with the reason of a signal', async () => {
    const controller = new AbortController()
    const reason = new Error('caller left')
    const transaction = database.transaction(
      async () => {
        controller.abort(reason)
        await new Promise(() => {})
      },
      { signal: controller.signal },
    )
    await expect(transaction).rejects.toBe(reason)
    await expect(database.query(sql('SELECT 1'), [], { signal: controller.signal })).rejects.toBe(
      reason,
    )
    expect(await database.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  it('hears its own notifications after the commit, on the channel of that very name only', async () => {
    const heard: string[] = []
    const listener: NotificationListener = {
      onNotification: (payload) => heard.push(payload),
      onReset: () => heard.push('reset'),
    }
    const stop = await database.listen('Upper "quoted"', listener)
    const notify = sql('SELECT pg_notify($1, $2)')
    await database.query(notify, ['Upper "quoted"', 'one'])
    await database.query(notify, ['upper "quoted"', 'other channel'])
    await database.transaction((session) => session.query(notify, ['Upper "quoted"', 'two']))
    await database
      .transaction(async (session) => {
        await session.query(notify, ['Upper "quoted"', 'rolled back'])
        throw new Error('no')
      })
      .catch(() => {})
    await stop()
    await database.query(notify, ['Upper "quoted"', 'after the end'])
    expect(heard).toEqual(['one', 'two'])
  })

  it('is refused to a second process, with the number of the first one', async () => {
    const child = await children.start()
    const { error } = await child.ask({ type: 'open', options: { dataDir } })
    expect(error?.code).toBe('ERR_STORE_UNAVAILABLE')
    expect(error?.message).toContain(`process ${process.pid} `)
    expect(error?.message).toContain(join(dataDir, 'pglite.lock'))
    await expect(createPgliteDatabase({ dataDir }).ready()).rejects.toThrow(/this process itself/)
    // Still ours, and still usable.
    expect(await database.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  it('frees the folder when it is closed, and refuses what comes later', async () => {
    const running = database.query(sql('SELECT 1 AS one'))
    await Promise.all([database.close(), database.close()])
    expect(await running).toEqual([{ one: 1 }])
    await expect(database.query(sql('SELECT 1'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    await expect(database.transaction(async () => 1)).rejects.toThrow(/closed/)
    expect(readdirSync(dataDir)).toEqual(['pglite'])
  })

  it('is whole after the process that had it open was killed', async () => {
    const first = await children.start()
    expect(await first.ask({ type: 'open', options: { dataDir } })).toEqual({ value: true })
    const insert = "INSERT INTO mcp_auth.things VALUES (7, 'survives')"
    await first.ask({ type: 'query', text: insert, values: [] })
    await first.kill()
    const next = createPgliteDatabase({ dataDir })
    expect(await next.query(sql('SELECT id, name FROM {schema}.things ORDER BY id'))).toEqual([
      { id: '1', name: 'kept' },
      { id: '7', name: 'survives' },
    ])
    await next.close()
  }, 180_000)

  it('starts anew after a process was killed while it made the database', async () => {
    const folder = join(home, 'half')
    const [first, second] = [await children.start(), await children.start()]
    void first.ask({ type: 'open', options: { dataDir: folder } })
    await expect
      .poll(() => readdirSync(home).includes('half') && readdirSync(folder), { timeout: 20_000 })
      .toContain('pglite.new')
    await first.kill()
    expect(readdirSync(folder)).not.toContain('pglite')
    expect(await second.ask({ type: 'open', options: { dataDir: folder } })).toEqual({
      value: true,
    })
    expectPrivate(folder)
    void second.ask({ type: 'exit' })
    expect(await second.exited()).toBe(0)
    expect(readdirSync(folder)).not.toContain('pglite.lock')
  }, 180_000)
})
