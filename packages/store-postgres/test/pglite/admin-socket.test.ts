import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Database, Statement } from '../../src/database/database.js'
import { createAdminClient } from '../../src/pglite/admin-client.js'
import { startAdminServer } from '../../src/pglite/admin-server.js'
import { openPglite } from '../../src/pglite/open-pglite.js'
import { createPgliteDatabase } from '../../src/pglite/pglite-database.js'
import { createPgliteEngine, type PgliteEngine } from '../../src/pglite/pglite-engine.js'
import { fillWithPglite } from '../support/prepared-folders.js'
import { createChildren } from './support/child.js'

const CANARY = 'canary-admin-parameter'
const IDLE_MILLISECONDS = 150

const home = mkdtempSync(join(tmpdir(), 'mcp-auth-admin-'))
const children = createChildren()
const path = join(home, 'admin.sock')
let engine: PgliteEngine

function sql(text: string): Statement {
  return { name: 'test', text }
}

const clients: { close(): Promise<void> }[] = []

async function client() {
  const created = await createAdminClient(path, 'mcp_auth')
  clients.push(created)
  return created
}

/** Sends lines as they are and resolves with the lines of the answer until the server ends it. */
async function exchange(...frames: string[]): Promise<unknown[]> {
  const socket = createConnection(path)
  socket.on('error', () => {})
  for (const frame of frames) socket.write(frame)
  const answers: unknown[] = []
  for await (const line of createInterface({ input: socket })) answers.push(JSON.parse(line))
  return answers
}

beforeAll(async () => {
  const folder = join(home, 'engine')
  fillWithPglite(folder)
  const open = await openPglite(folder)
  engine = createPgliteEngine(open.pglite, 'mcp_auth')
  await engine.query(sql('CREATE TABLE things (name text)'), [], { kind: 'write' })
  await startAdminServer({ engine, path, idleMilliseconds: IDLE_MILLISECONDS })
}, 180_000)

afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()))
})

afterAll(async () => {
  await children.end()
  rmSync(home, { recursive: true, force: true })
})

describe('startAdminServer()', () => {
  it('makes a socket for its owner only', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('replaces a socket that is in the way, and nothing else', async () => {
    const stale = join(home, 'stale.sock')
    const server = createServer().listen(stale)
    await new Promise((resolve) => server.once('listening', resolve))
    const started = await startAdminServer({ engine, path: stale })
    await started.close()
    await started.close()
    server.close()

    const file = join(home, 'file.sock')
    writeFileSync(file, 'precious')
    await expect(startAdminServer({ engine, path: file })).rejects.toThrow(/in the way/)
    expect(statSync(file).size).toBe(8)
  })

  const greeting = { protocol: 1 }
  const refusal = { error: { code: 'ERR_ADMIN_FRAME' } }
  it.each([
    ['no JSON', `${CANARY}\n`],
    ['an unknown type', '{"type":"drop","id":1}\n'],
    ['a further member', '{"type":"commit","id":1,"force":true}\n'],
    ['no id', '{"type":"begin","timeout":1}\n'],
    ['a deadline beyond an hour', '{"type":"begin","id":1,"timeout":3600001}\n'],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0x0a]).toString('latin1')],
    ['a frame that does not end', 'x'.repeat(4 * 1024 * 1024 + 1)],
    ['too many requests at once', '{"type":"commit","id":1}\n'.repeat(40)],
  ])('answers %s with an error and closes', async (_, frame) => {
    expect(await exchange(frame)).toEqual([greeting, refusal])
  })

  it('refuses the ninth connection and takes another one when one is gone', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = createConnection(path)
        await new Promise((resolve) => socket.once('data', resolve))
        return socket
      }),
    )
    expect(await exchange('')).toEqual([{ error: { code: 'ERR_ADMIN_CONNECTIONS' } }])
    await expect(client()).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('no connection to spare'),
    })
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(() =>
        client().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  })

  it('keeps answering others after all that', async () => {
    const one = await client()
    expect(await one.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })
})

describe('createAdminClient()', () => {
  it('carries every type both ways', async () => {
    const one = await client()
    const at = new Date('2026-01-02T03:04:05.678Z')
    const bytes = Uint8Array.from([0, 255])
    const [row] = await one.query(
      sql(
        'SELECT $1::bytea AS b, $2::timestamptz AS t, $3::bigint AS i, $4::jsonb AS j, $5::text[] AS a',
      ),
      [bytes, at, 9007199254740993n, '{"b":"AA=="}', ['x', 'y']],
    )
    expect(row).toMatchObject({ t: at, i: '9007199254740993', j: { b: 'AA==' }, a: ['x', 'y'] })
    expect(Buffer.compare(row?.b as Uint8Array, bytes)).toBe(0)
  })

  it('receives answers that are larger than a frame, and refuses rows and statements that are', async () => {
    const one = await client()
    const rows = await one.query(
      sql("SELECT n, repeat('x', 10000) AS text FROM generate_series(1, 1000) AS n"),
      [],
      { kind: 'maintenance' },
    )
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
    const size = 4 * 1024 * 1024
    await expect(
      one.query(sql(`SELECT repeat('x', ${size}) AS text`), [], { kind: 'maintenance' }),
    ).rejects.toThrow(/too large/)
    await expect(one.query(sql('SELECT $1::text'), ['x'.repeat(size)])).rejects.toThrow(/too large/)
    expect(await one.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  it('X33 hides statement and values in errors', async () => {
    const one = await client()
    const text = 'SELECT $1::text::integer AS canary_statement'
    const error = await one.query(sql(text), [CANARY]).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code: '22P02' } })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary')
  })

  it('commits, rolls back, and keeps everybody else out meanwhile', async () => {
    const [one, two] = [await client(), await client()]
    const count = sql('SELECT count(*) AS n FROM things')
    let during: Promise<unknown> | undefined
    await one.transaction(
      async (transaction) => {
        await transaction.query(sql("INSERT INTO things VALUES ('a')"), [])
        during = Promise.all([two.query(count), engine.query(count)])
        await transaction.query(sql("INSERT INTO things VALUES ('b')"), [])
      },
      { kind: 'write' },
    )
    expect(await during).toEqual([[{ n: '2' }], [{ n: '2' }]])

    const own = new Error('own error')
    const rejected = one.transaction(async (transaction) => {
      await transaction.query(sql('DELETE FROM things'), [])
      throw own
    })
    await expect(rejected).rejects.toBe(own)
    expect(await two.query(count)).toEqual([{ n: '2' }])

    const overlooked = one.transaction(async (transaction) => {
      await transaction.query(sql('DELETE FROM things'), [])
      await transaction.query(sql('SELECT 1/0'), []).catch(() => {})
    })
    await expect(overlooked).rejects.toMatchObject({ cause: { code: '22012' } })
    expect(await two.query(count)).toEqual([{ n: '2' }])
  })

  it('runs its transactions one after the other', async () => {
    const one = await client()
    const results = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        one.transaction(async (transaction) => {
          await transaction.query(sql('SELECT 1'), [])
          return index
        }),
      ),
    )
    expect(results).toEqual([0, 1, 2, 3, 4])
  })

  it('loses a transaction that does nothing for too long, which lets the others on', async () => {
    const one = await client()
    const idle = one.transaction(
      async (transaction) => {
        await transaction.query(sql('DELETE FROM things'), [])
        // Waits behind the transaction, so it ends when the server has rolled back.
        expect(await engine.query(sql('SELECT count(*) AS n FROM things'))).toEqual([{ n: '2' }])
        await transaction.query(sql('SELECT 1'), [])
      },
      { kind: 'write' },
    )
    await expect(idle).rejects.toThrow(/did nothing for too long/)
    expect(
      await one.transaction((transaction) => transaction.query(sql('SELECT 1 AS one'), [])),
    ).toEqual([{ one: 1 }])
  })

  it('rolls back at the deadline and at the signal of the caller', async () => {
    const one = await client()
    const remove = (options: { timeoutMilliseconds?: number; signal?: AbortSignal }) =>
      one.transaction(async (transaction) => {
        await transaction.query(sql('DELETE FROM things'), [])
        await new Promise(() => {})
      }, options)
    await expect(remove({ timeoutMilliseconds: 60 })).rejects.toMatchObject({
      cause: { code: 'ETIMEDOUT' },
    })
    const controller = new AbortController()
    const reason = new Error('caller left')
    const aborted = remove({ signal: controller.signal })
    await one.query(sql('SELECT 1'), [], { kind: 'write' }).catch(() => {})
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    expect(await one.query(sql('SELECT count(*) AS n FROM things'))).toEqual([{ n: '2' }])
  })

  it('tells listeners of the server what it may have changed, and only that', async () => {
    const one = await client()
    const heard: string[] = []
    const stop = await engine.listen('channel', {
      onNotification: (payload) => heard.push(payload),
      onReset: () => heard.push('reset'),
    })
    await one.query(sql('SELECT 1'))
    await one.transaction(() => Promise.reject(new Error('no'))).catch(() => {})
    expect(heard).toEqual([])
    await one.query(sql("INSERT INTO things VALUES ('c')"), [], { kind: 'write' })
    await one.transaction((transaction) =>
      transaction.query(sql("DELETE FROM things WHERE name = 'c'"), []),
    )
    expect(heard).toEqual(['reset', 'reset'])
    await stop()
  })

  it('refuses what comes after close', async () => {
    const one = await client()
    await one.close()
    await one.close()
    await expect(one.query(sql('SELECT 1'))).rejects.toThrow(/closed/)
    await expect(one.transaction(async () => 1)).rejects.toThrow(/closed/)
  })

  it('says that no process serves the socket', async () => {
    await expect(createAdminClient(join(home, 'none.sock'), 'mcp_auth')).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('no process serves'),
    })
  })

  it('does not trust a server of another release, or one that sends something else', async () => {
    for (const [index, greeting] of ['{"protocol":2}\n', 'HTTP/1.1 400\n', 'x'].entries()) {
      const other = join(home, `other-${index}.sock`)
      const server = createServer((socket) => socket.end(greeting)).listen(other)
      await new Promise((resolve) => server.once('listening', resolve))
      await expect(createAdminClient(other, 'mcp_auth')).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
      })
      server.close()
    }
  })
})

describe('createPgliteDatabase({ attach })', () => {
  const dataDir = join(home, 'data')
  let attached: Database

  it('goes through the process that has the folder open, as a full database', async () => {
    fillWithPglite(dataDir)
    const server = await children.start()
    expect(await server.ask({ type: 'open', options: { dataDir } })).toEqual({ value: true })
    attached = createPgliteDatabase({ dataDir, attach: true })
    expect(attached).toMatchObject({ engine: 'pglite', listens: false, pollMilliseconds: 500 })
    await attached.ready()
    await expect(
      attached.listen('channel', { onNotification() {}, onReset() {} }),
    ).rejects.toMatchObject({ code: 'ERR_STORE_UNSUPPORTED' })
    await attached.transaction(async (transaction) => {
      await transaction.query(sql('CREATE TABLE {schema}.things (name text)'), [])
      await transaction.query(sql("INSERT INTO {schema}.things VALUES ('a')"), [])
    })
    const text = 'SELECT name FROM mcp_auth.things'
    expect(await server.ask({ type: 'query', text, values: [] })).toEqual({
      value: [{ name: 'a' }],
    })

    // A client that dies in a transaction leaves nothing behind, and nobody waiting.
    const dying = await children.start()
    await dying.ask({ type: 'open', options: { dataDir, attach: true } })
    await dying.ask({ type: 'hold', text: 'DELETE FROM mcp_auth.things' })
    const waiting = attached.query(sql('SELECT name FROM {schema}.things'), [], { kind: 'write' })
    await dying.kill()
    expect(await waiting).toEqual([{ name: 'a' }])

    await server.kill()
    await expect(attached.query(sql('SELECT 1'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    // The next process finds a stale lock and a stale socket, and the client finds the next process.
    const next = await children.start()
    expect(await next.ask({ type: 'open', options: { dataDir } })).toEqual({ value: true })
    expect(await attached.query(sql('SELECT name FROM {schema}.things'))).toEqual([{ name: 'a' }])

    const either = createPgliteDatabase({ dataDir, attach: 'auto' })
    expect(await either.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
    await either.close()
    await next.ask({ type: 'close' })
  }, 180_000)

  it('is refused where no process has the folder open, unless it may open it itself', async () => {
    await attached.close()
    await expect(createPgliteDatabase({ dataDir, attach: true }).ready()).rejects.toThrow(
      /no process serves the admin socket/,
    )
    const own = createPgliteDatabase({ dataDir, attach: 'auto' })
    expect(await own.query(sql('SELECT name FROM {schema}.things'))).toEqual([{ name: 'a' }])
    await own.close()
  }, 180_000)

  it('is refused where the socket was opted out of', async () => {
    const own = createPgliteDatabase({ dataDir, adminSocket: false })
    await own.ready()
    await expect(createPgliteDatabase({ dataDir, attach: true }).ready()).rejects.toThrow(
      /no process serves/,
    )
    await own.close()
  }, 180_000)
})
