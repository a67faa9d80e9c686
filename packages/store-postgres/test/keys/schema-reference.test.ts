import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuditTrail } from '../../src/audit/audit-trail.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import { keyStatus } from '../../src/keys/key-status.js'
import { rotateKeys } from '../../src/keys/rewrap-records.js'
import { verifyRecords } from '../../src/keys/verify-records.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import { type TestDatabase, testEngines } from '../support/engines.js'
import { codecOf, sql, userKey } from './sealed-rows.js'

const page = readFileSync(
  new URL('../../../../docs/reference/database-schema.md', import.meta.url),
  'utf8',
)

const servers = testEngines().filter(({ kind }) => kind === 'postgres')

describe.each(servers)('docs/reference/database-schema.md on $name', (engine) => {
  const { skip } = engine
  const suffix = randomBytes(6).toString('hex')
  const password = randomBytes(12).toString('hex')
  let home: TestDatabase
  const opened: Database[] = []

  /** The blocks of SQL as they stand, with role names of this run, since roles belong to a whole server. */
  const [setUp = '', grant = ''] = [...page.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(
    ([, block = '']) =>
      block
        .replaceAll(/mcp_auth_(migrator|runtime|auditor)/g, `mcp_auth_$1_${suffix}`)
        .replaceAll(/<\w+ password>/g, password),
  )

  function addressAs(role: string): string {
    const url = new URL(home.connectionString ?? '')
    url.username = `mcp_auth_${role}_${suffix}`
    url.password = password
    return url.href
  }

  async function run(connectionString: string, text: string): Promise<void> {
    const client = new pg.Client({ connectionString })
    client.on('error', () => {})
    await client.connect()
    await client.query(text).finally(() => client.end())
  }

  function openAs(role: string, migrate: 'auto' | 'verify'): Database {
    const database = createDatabase({ connectionString: addressAs(role), migrate })
    opened.push(database)
    return database
  }

  beforeAll(async () => {
    if (skip !== undefined) return
    home = await engine.createDatabase()
    await run(home.connectionString ?? '', setUp)
    await openAs('migrator', 'auto').ready()
    await run(addressAs('migrator'), grant)
  })

  afterAll(async () => {
    if (skip !== undefined) return
    for (const database of opened) await database.close()
    const roles = ['migrator', 'runtime', 'auditor'].map((role) => `mcp_auth_${role}_${suffix}`)
    await run(
      home.connectionString ?? '',
      `DROP OWNED BY ${roles.join(', ')} CASCADE; DROP ROLE ${roles.join(', ')}`,
    )
    await home.drop()
  })

  it.skipIf(skip)('lists every table with every column', async () => {
    const rows = await sql(
      openAs('migrator', 'verify'),
      `SELECT c.relname::text AS "table", a.attname::text AS "column", a.attnotnull AS required
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE n.nspname = 'mcp_auth' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`,
    )
    const real = rows.map((row) => {
      const optional = row.required === true ? '' : ' NULL'
      return `${String(row.table)}.${String(row.column)}${optional}`
    })
    const documented = page.split(/^### /m).flatMap((section) => {
      const [, table] = /^`(\w+)`\n/.exec(section) ?? []
      if (table === undefined) return []
      const lines = [...section.matchAll(/^\| `(\w+)` \| ([^|]*?) \|/gm)]
      return lines.map(([, column, type = '']) => {
        return `${table}.${column}${type.endsWith(', NULL') ? ' NULL' : ''}`
      })
    })
    expect(documented.sort()).toEqual(real.sort())
  })

  it.skipIf(skip)('grants the server what it needs', async () => {
    const database = openAs('runtime', 'verify')
    const [old, next] = [{ text: generateEncryptionKey() }, { text: generateEncryptionKey() }]
    const encryptionKeys = `${old.text},${next.text}`
    const store = postgresTokenStore({ database, encryptionKeys, auditFailure: 'refuse' })
    await store.check()
    const key = userKey('ann')
    const { version } = await store.set(key, { kind: 'api-key', secret: 'canary-role' })
    await store.set(key, { kind: 'api-key', secret: 'canary-role' }, { ifVersion: version })
    await store.set(userKey('bob'), { kind: 'api-key', secret: 'canary' }, { ifAbsent: true })
    expect((await store.get(key))?.secret).toBe('canary-role')
    const lease = await store.lease(key, 10)
    await lease?.release()
    expect(await store.delete(userKey('bob'))).toBe(true)
    expect(await store.delete(userKey('zoe'), { tombstone: true })).toBe(false)
    const keys = []
    for await (const each of store.keys()) keys.push(each)
    expect(keys).toEqual([key])

    const codec = codecOf(next, old)
    expect(await rotateKeys(database, codec)).toMatchObject({ rewrapped: 1, remaining: 0 })
    expect(await verifyRecords(database, codec)).toEqual({ sound: 1, failed: [] })
    expect((await keyStatus(database, codec)).map(({ records }) => records)).toEqual([1, 0])
    await store.close()
  })

  it.skipIf(skip).each([
    ['reads no audit event', 'SELECT * FROM mcp_auth.audit_events'],
    ['changes no audit event', `UPDATE mcp_auth.audit_events SET outcome = 'done'`],
    ['removes no audit event', 'DELETE FROM mcp_auth.audit_events'],
    ['changes no check value', `UPDATE mcp_auth.encryption_keys SET check_payload = ''`],
    ['removes no check value', 'DELETE FROM mcp_auth.encryption_keys'],
    ['creates no table', 'CREATE TABLE mcp_auth.other (id int)'],
    ['changes no table', 'ALTER TABLE mcp_auth.credentials DROP COLUMN payload'],
    ['truncates no table', 'TRUNCATE mcp_auth.credentials'],
  ])('keeps the server within its rights: it %s', async (_what, text) => {
    await expect(run(addressAs('runtime'), text)).rejects.toMatchObject({ code: '42501' })
  })

  it.skipIf(skip)('lets the auditor read and prune the trail and nothing else', async () => {
    const trail = createAuditTrail(openAs('auditor', 'verify'))
    await run(
      addressAs('runtime'),
      `INSERT INTO mcp_auth.audit_events (event, outcome, at)
      VALUES ('credential.read', 'done', '2000-01-01')`,
    )
    expect(await trail.list({ until: Date.UTC(2001, 0) })).toHaveLength(1)
    expect(await trail.prune()).toBe(1)
    const forbidden = ['SELECT * FROM mcp_auth.credentials', 'DELETE FROM mcp_auth.encryption_keys']
    for (const text of forbidden) {
      await expect(run(addressAs('auditor'), text)).rejects.toMatchObject({ code: '42501' })
    }
  })
})
