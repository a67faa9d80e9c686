import { afterEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { scriptedPool } from '../support/scripted-pool.js'

const connectionString = 'postgresql://mcp:canary-password@127.0.0.1:1/mcp'
const open: Database[] = []

function create(options: unknown): Database {
  const database = createDatabase(options as DatabaseOptions)
  open.push(database)
  return database
}

function refusal(options: unknown): string {
  try {
    create(options)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
    return String(error)
  }
  throw new Error('nothing was refused')
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()))
})

describe('createDatabase()', () => {
  it('connects to nothing when it is made, and has documented defaults', () => {
    expect(create({ connectionString })).toMatchObject({
      engine: 'postgres',
      schema: 'mcp_auth',
      listens: true,
      pollMilliseconds: 500,
    })
  })

  it('reports every bad member in one error, and no value', () => {
    const text = refusal({
      connectionString: 'canary-password',
      schema: 'a-b',
      prepared: 'yes',
      locks: 'none',
      maxConnections: 0,
      ssl: { ca: 5, passphrase: 'canary-passphrase' },
      pollMilliseconds: 49,
      user: 'canary-user',
    })
    for (const name of [
      'connectionString',
      'schema',
      'prepared',
      'locks',
      'maxConnections',
      'ssl',
      'pollMilliseconds',
      'user',
    ]) {
      expect(text).toContain(`  ${name}: `)
    }
    expect(text).not.toContain('canary')
  })

  it.each([
    ['one', { connectionString }, undefined],
    ['none', {}, 'exactly one'],
    ['two', { connectionString, dataDir: 'memory://' }, 'exactly one'],
    ['another two', { connectionString, pool: scriptedPool().pool }, 'exactly one'],
    ['a pool', { pool: scriptedPool().pool }, undefined],
    ['something else as pool', { pool: {} }, 'pool: must be a Pool'],
    ['TLS for a pool', { pool: scriptedPool().pool, ssl: true }, 'ssl: belongs to'],
    ['a size for a pool', { pool: scriptedPool().pool, maxConnections: 2 }, 'maxConnections: '],
    ['another scheme', { connectionString: 'mysql://127.0.0.1/mcp' }, 'starts with'],
    ['the short scheme', { connectionString: 'postgres://127.0.0.1/mcp' }, undefined],
    ['no URL', { connectionString: 'postgresql://host:port:port/mcp' }, 'percent-encode'],
    [
      'a missing certificate file',
      { connectionString: `${connectionString}?sslrootcert=/canary/absent.pem` },
      'is not usable by pg (ENOENT)',
    ],
  ])('takes exactly one place of data: %s', (_title, options, problem) => {
    if (problem === undefined) expect(create(options)).toBeDefined()
    else {
      const text = refusal(options)
      expect(text).toContain(problem)
      expect(text).not.toContain('canary')
    }
  })

  it.each([
    ['maxConnections', 1, 0],
    ['maxConnections', 100, 101],
    ['connectTimeoutMilliseconds', 50, 49],
    ['acquireTimeoutMilliseconds', 60_000, 60_001],
    ['pollMilliseconds', 50, 50.5],
    ['heartbeatMilliseconds', 600_000, 600_001],
  ])('accepts %s %s, not %s', (name, accepted, refused) => {
    expect(create({ connectionString, [name]: accepted })).toBeDefined()
    expect(refusal({ connectionString, [name]: refused })).toContain(`  ${name}: must be a whole`)
  })

  it.each([
    ['a'.repeat(63), 'a'.repeat(64)],
    ['_mcp', '1mcp'],
    ['MCP_2', 'MCP-2'],
    ['xpg_', 'pg_x'],
    ['x', ''],
    ['schema', 'PG_catalog'],
  ])('accepts the schema %s, not %j', (accepted, refused) => {
    expect(create({ connectionString, schema: accepted }).schema).toBe(accepted)
    expect(refusal({ connectionString, schema: refused })).toContain('  schema: must be')
  })

  it.each([
    `'; DROP TABLE x;--`,
    `x"; DROP SCHEMA y; --`,
    '%',
    '_%',
    '\\',
    '"',
    '$1',
    'a b',
    'a.b',
    'ä',
    'a\u0000b',
    'a\n',
    'x'.repeat(10_240),
  ])('X16 refuses the schema %j', (schema) => {
    expect(refusal({ connectionString, schema })).toContain('  schema: must be')
  })
})
