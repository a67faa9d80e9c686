import { inspect } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Statement } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { type Cluster, startCluster } from '../support/engines.js'

const CANARY = /canary/i
const VALUE: Statement = { name: 'test_value', text: 'SELECT $1::text AS value' }
const CAST: Statement = { name: 'test_cast', text: 'SELECT $1::text::int AS value' }

/** Everything that a log could show of a value, with the causes of errors and hidden members. */
function shown(value: unknown): string {
  const parts = [inspect(value, { depth: 9, showHidden: true }), String(value)]
  parts.push(JSON.stringify(value) ?? '')
  if (value instanceof Error) parts.push(value.message, value.stack ?? '', shown(value.cause))
  return parts.join('\n')
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('nothing was rejected')
    },
    (error: unknown) => error,
  )
}

describe('X33 nothing secret can be shown', () => {
  let cluster: Cluster
  let database: Database

  beforeAll(async () => {
    cluster = await startCluster()
    const address = cluster.connectionString().replace('postgres@', 'postgres:canary-password@')
    database = createDatabase({ connectionString: address, ssl: false })
    await database.ready()
    await database.query(VALUE, ['canary-value'])
    await database.listen('test_shown', { onNotification() {}, onReset() {} })
  })
  afterAll(async () => {
    await database.close()
    await cluster.remove()
  })

  it('of a database, before and while it is connected', () => {
    expect(shown(database)).not.toMatch(CANARY)
    const connectionString = 'postgresql://canary-user:canary-password@canary-host/canary-database'
    const options: DatabaseOptions = { connectionString, ssl: { key: 'canary-key', ca: 'canary' } }
    expect(shown(createDatabase(options))).not.toMatch(CANARY)
    const pool = new pg.Pool({ connectionString })
    expect(shown(createDatabase({ pool }))).not.toMatch(CANARY)
  })

  it.each([
    ['a refused value', () => database.query(CAST, ['canary-value'])],
    [
      'a refused value in a transaction',
      () => database.transaction((session) => session.query(CAST, ['canary-value'])),
    ],
    [
      'an unknown column',
      () =>
        database.query({ name: 'test_column', text: 'SELECT canary_column FROM {schema}.leases' }),
    ],
    [
      'an abandoned statement',
      () =>
        database.query({ name: 'test_sleep', text: "SELECT pg_sleep(9), 'canary'" }, [], {
          timeoutMilliseconds: 100,
        }),
    ],
  ])('of the error about %s', async (_title, run) => {
    const error = await failureOf(run())
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(shown(error)).not.toMatch(CANARY)
  })

  it.each([
    ['host', 'postgresql://canary-user:canary-password@canary-host.invalid/canary-database'],
    ['database', 'postgresql://postgres:canary-password@127.0.0.1:PORT/canary-database'],
    ['role', 'postgresql://canary-user:canary-password@127.0.0.1:PORT/postgres'],
  ])('of the error about an unknown %s', async (_title, address) => {
    const errors: unknown[] = []
    const unreachable = createDatabase({
      connectionString: address.replace('PORT', String(cluster.port)),
      ssl: false,
      onError: (error) => errors.push(error),
    })
    errors.push(await failureOf(unreachable.query(VALUE, ['canary-value'])))
    await unreachable.listen('test_shown', { onNotification() {}, onReset() {} })
    expect(errors).toHaveLength(2)
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      expect(shown(error)).not.toMatch(CANARY)
    }
    await unreachable.close()
  })

  it('of the warnings about plain text and certificates, which come once', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const create = (host: string, options: Partial<DatabaseOptions> = {}) =>
      createDatabase({
        connectionString: `postgresql://canary-user:canary-password@${host}/canary-database`,
        ...options,
      })
    const codes = () => warn.mock.calls.map(([, options]) => Reflect.get(Object(options), 'code'))
    for (const host of ['localhost', '127.0.0.1', '[::1]', '127.8.8.8']) create(host)
    create('canary.example', { ssl: true })
    create('canary.example', { ssl: false })
    create('canary.example?sslmode=verify-full')
    create('localhost', { ssl: 'require' })
    expect(codes()).toEqual([])
    create('canary.example')
    create('localhost.canary.example')
    expect(codes()).toEqual(['MCP_AUTH_DATABASE_PLAINTEXT'])
    create('canary.example', { ssl: 'require' })
    create('canary.example', { ssl: 'require' })
    expect(codes()).toEqual(['MCP_AUTH_DATABASE_PLAINTEXT', 'MCP_AUTH_DATABASE_UNVERIFIED'])
    expect(shown(warn.mock.calls)).not.toMatch(CANARY)
    warn.mockRestore()
  })
})
