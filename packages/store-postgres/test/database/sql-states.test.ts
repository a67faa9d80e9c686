import { inspect } from 'node:util'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { afterEach, describe, expect, it } from 'vitest'
import type { Queryable, Statement } from '../../src/database/database.js'
import { parseDatabaseOptions } from '../../src/database/options.js'
import { createPostgresDatabase } from '../../src/database/postgres-database.js'
import type { RawDatabase } from '../../src/database/raw-database.js'
import { type ScriptedPool, scriptedPool, serverError } from '../support/scripted-pool.js'

const READ: Statement = { name: 'read', text: 'SELECT payload FROM {schema}.credentials' }
const WRITE: Statement = { name: 'write', text: 'UPDATE {schema}.credentials SET payload = $1' }

const open: RawDatabase[] = []

function create(): { script: ScriptedPool; database: RawDatabase } {
  const script = scriptedPool()
  const database = createPostgresDatabase(parseDatabaseOptions({ pool: script.pool }))
  open.push(database)
  return { script, database }
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was rejected')
}

function errno(code: string): Error {
  return Object.assign(new Error('connect canary-host'), { code, address: 'canary-host' })
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()))
})

describe('errors of the server', () => {
  it.each([
    ['53100', 'the disk of the database is full'],
    ['25006', 'accepts no writes'],
    ['57P01', 'starting, stopping or failing over'],
    ['57P03', 'starting, stopping or failing over'],
    ['53300', 'no connection or memory to spare'],
    ['53200', 'no connection or memory to spare'],
    ['40001', 'concurrent writes'],
    ['40P01', 'concurrent writes'],
    ['57014', 'did not answer in time'],
    ['08006', 'could not be reached'],
    ['28P01', 'refused the login'],
    ['3D000', 'does not exist'],
    ['42P01', 'run "mcp-auth db migrate"'],
    ['3F000', 'run "mcp-auth db migrate"'],
    ['42501', 'grant'],
    ['26000', 'transaction pooling'],
    ['XX000', 'internal error'],
    ['22021', 'refused the statement'],
  ])('X31 %s is an outage with a fixed text and nothing but the code', async (code, text) => {
    const { script, database } = create()
    script.onStatement = () => serverError(code)
    const error = await failureOf(database.query(WRITE, ['canary-value'], { kind: 'write' }))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(error.message).toContain(text)
    expect(error.cause).toMatchObject({ code })
    expect(Object.keys(error.cause as object)).toEqual(['code'])
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary')
  })

  it.each([
    ['ECONNREFUSED', 'could not be reached'],
    ['ENOTFOUND', 'could not be reached'],
    ['EPIPE', 'could not be reached'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate'],
  ])('X31 %s is an outage too', async (code, text) => {
    const { script, database } = create()
    script.onStatement = () => errno(code)
    const error = await failureOf(database.query(READ))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code } })
    expect(error.message).toContain(text)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary')
  })

  it('X31 reads go on while the disk is full', async () => {
    const { script, database } = create()
    script.onStatement = (text) => (text.startsWith('SELECT') ? [{ n: 1 }] : serverError('53100'))
    await expect(database.query(WRITE, ['x'], { kind: 'write' })).rejects.toMatchObject({
      cause: { code: '53100' },
    })
    expect(await database.query(READ)).toEqual([{ n: 1 }])
    expect(script.counts.destroyed).toBe(0)
  })

  it('gives a connection back after an answer, and destroys it when it is ending', async () => {
    const { script, database } = create()
    const reply = { error: serverError('23505') }
    script.onStatement = () => reply.error
    await failureOf(database.query(WRITE, ['x'], { kind: 'write' }))
    expect(script.counts.destroyed).toBe(0)
    reply.error = serverError('57P01')
    await failureOf(database.query(WRITE, ['x'], { kind: 'write' }))
    expect(script.counts.destroyed).toBe(1)
  })

  it('repeats a read once whose connection had died, and never a write', async () => {
    const { script, database } = create()
    let failures = 1
    script.onStatement = () => {
      failures -= 1
      return failures < 0 ? [{ n: 1 }] : errno('ECONNRESET')
    }
    expect(await database.query(READ)).toEqual([{ n: 1 }])
    expect(script.sent).toHaveLength(2)
    failures = 2
    await expect(database.query(READ)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(script.sent).toHaveLength(4)
    failures = 1
    const write = database.query(WRITE, ['x'], { kind: 'write' })
    await expect(write).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(script.sent).toHaveLength(5)
    // Not a SELECT, although its kind was forgotten.
    failures = 1
    await expect(database.query(WRITE, ['x'])).rejects.toMatchObject({ code: expect.anything() })
    expect(script.sent).toHaveLength(6)
  })
})

describe('a transaction that could not be begun', () => {
  it.each([
    ['pipelined', true],
    ['not pipelined', false],
  ])(
    'ends its connection, on which statements may have run without it, %s',
    async (_, pipeline) => {
      const { script, database } = create()
      script.pipeline = pipeline
      // An error that leaves the connection as it is.
      script.onStatement = (text) => (text.startsWith('BEGIN') ? serverError('53200') : [])
      const failure = database.transaction((session) => session.query(WRITE, ['x']), {
        kind: 'write',
      })
      await expect(failure).rejects.toMatchObject({ cause: { code: '53200' } })
      expect(script.sent.filter((text) => /^(?:COMMIT|ROLLBACK)/.test(text))).toEqual([])
      expect(script.counts.destroyed).toBe(1)
    },
  )

  it('keeps its connection when a statement in it failed', async () => {
    const { script, database } = create()
    script.onStatement = (text) => (text.startsWith('UPDATE') ? serverError('53200') : [])
    const failure = database.transaction((session) => session.query(WRITE, ['x']), {
      kind: 'write',
    })
    await expect(failure).rejects.toMatchObject({ cause: { code: '53200' } })
    expect(script.sent.at(-1)).toBe('ROLLBACK')
    expect(script.counts.destroyed).toBe(0)
  })
})

describe('a pool that never hands out a connection', () => {
  it('X27 keeps a bounded number of callers waiting, and answers the others at once', async () => {
    const database = createPostgresDatabase(
      parseDatabaseOptions({ pool: { on() {}, connect() {} }, acquireTimeoutMilliseconds: 50 }),
    )
    open.push(database)
    const waiting = Promise.allSettled(Array.from({ length: 5_000 }, () => database.query(READ)))
    const refused = await failureOf(database.query(READ))
    expect(refused).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code: 'EAGAIN' } })
    const codes = (await waiting).map(
      (each) => each.status === 'rejected' && each.reason.cause.code,
    )
    expect(new Set(codes)).toEqual(new Set(['ETIMEDOUT']))
  })
})

describe('transactions', () => {
  const update = (session: Queryable) => session.query(WRITE, ['x'])

  it.each(['40001', '40P01'])('X31 %s is retried three times, and no more', async (code) => {
    const { script, database } = create()
    let failures = 3
    script.onStatement = (text) => {
      if (!text.startsWith('UPDATE')) return undefined
      failures -= 1
      return failures < 0 ? [] : serverError(code)
    }
    let runs = 0
    await database.transaction((session) => {
      runs += 1
      return update(session)
    })
    expect(runs).toBe(4)
    failures = 4
    runs = 0
    const lost = database.transaction((session) => {
      runs += 1
      return update(session)
    })
    await expect(lost).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code } })
    expect(runs).toBe(4)
    expect(script.counts.destroyed).toBe(0)
  })

  it('X31 retries when the commit is what fails, and what the caller threw does not matter', async () => {
    const { script, database } = create()
    let failures = 1
    script.onStatement = (text) => {
      if (text !== 'COMMIT') return undefined
      failures -= 1
      return failures < 0 ? [] : serverError('40001')
    }
    expect(await database.transaction(async () => 'value')).toBe('value')
    let runs = 0
    failures = 0
    script.onStatement = (text) =>
      text.startsWith('UPDATE') && runs === 1 ? serverError('40P01') : undefined
    const value = await database.transaction(async (session) => {
      runs += 1
      await update(session).catch(() => {
        throw new TypeError('of the caller')
      })
      return runs
    })
    expect(value).toBe(2)
  })

  it('retries nothing else, and rolls back', async () => {
    const { script, database } = create()
    script.onStatement = (text) => (text.startsWith('UPDATE') ? serverError('23505') : undefined)
    await expect(database.transaction(update)).rejects.toMatchObject({ cause: { code: '23505' } })
    expect(script.sent.map((text) => text.split(/[ ;]/)[0])).toEqual([
      'BEGIN',
      'UPDATE',
      'ROLLBACK',
    ])
  })

  it('rejects with what the caller threw, unchanged', async () => {
    const { script, database } = create()
    const thrown = new RangeError('of the caller')
    const error = await failureOf(database.transaction(() => Promise.reject(thrown)))
    expect(error).toBe(thrown)
    expect(script.sent.at(-1)).toBe('ROLLBACK')
    expect(isAuthError(error)).toBe(false)
  })

  it('does not take a commit that rolled back for a success', async () => {
    const { script, database } = create()
    script.onStatement = (text) => (text.startsWith('UPDATE') ? serverError('23505') : undefined)
    const original = script.pool.connect
    script.pool.connect = (callback) =>
      original((error, client, release) => {
        if (client === undefined) return callback(error, client, release)
        const { query } = client
        client.query = (config, done) =>
          query(config, (failure, result) =>
            done(failure, config.text === 'COMMIT' ? { ...result, command: 'ROLLBACK' } : result),
          )
        return callback(error, client, release)
      })
    const swallowed = database.transaction((session) => update(session).catch(() => []))
    await expect(swallowed).rejects.toMatchObject({ cause: { code: '23505' } })
  })

  it('sends nothing on a connection that was given back', async () => {
    const { script, database } = create()
    const late = await database.transaction(async (session) => () => update(session))
    await expect(late()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(script.sent).toHaveLength(2)
  })
})
