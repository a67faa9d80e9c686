import { readFileSync } from 'node:fs'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type ComposeDatabase,
  startComposeDatabase,
  whyNoPsql,
} from './support/compose-database.js'
import { callTool } from './support/http-calls.js'
import { startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'
import { tokenByCode } from './ways-in/token-by-code.js'

vi.setConfig({ testTimeout: 60_000 })

const noPsql = whyNoPsql()
const isCi = /^(?:1|true)$/i.test(process.env.CI ?? '')
if (noPsql !== undefined) process.stderr.write(`[deploy-database] ${noPsql}\n`)

const { add, run } = createCleanup()
const encryptionKeys = generateEncryptionKey()
let database: ComposeDatabase
let coda: Awaited<ReturnType<typeof startStandIn>>

/** The server as compose.yaml starts it, as the role that its secret names. */
async function startAsServer(): Promise<TestServer> {
  return await startTestServer({
    DATABASE_URL: database.addressOf('coda_mcp'),
    MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys,
    MCP_AUTH_SCHEMA: 'mcp_auth',
    CODA_API_BASE_URL: coda.baseUrl,
    CODA_CREDENTIALS: 'user',
    TOKEN_STORE: 'postgres',
    ALLOWED_EMAILS: 'sample@example.com',
  })
}

const refused = (statement: string) =>
  expect(database.query('coda_mcp', statement), statement).rejects.toMatchObject({ code: '42501' })

describe.skipIf(noPsql !== undefined && !isCi)('the database of compose.yaml', () => {
  beforeAll(async () => {
    database = add(await startComposeDatabase())
    coda = add(await startStandIn({ settleMs: 10 }))
  }, 60_000)
  afterAll(run)

  it('has no tables before the migration, and the server may not make them', async () => {
    const { code, said } = database.command(['db', 'migrate'], { role: 'coda_mcp' })
    expect([code === 0, said]).toEqual([false, expect.stringMatching(/privilege|permission/)])
    await refused('CREATE TABLE mcp_auth.own (id int)')
    const server = await startTestServer({
      DATABASE_URL: database.addressOf('coda_mcp'),
      MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys,
      TOKEN_STORE: 'postgres',
      MCP_BEARER_TOKENS: `laptop:sha256:${'0'.repeat(64)}`,
      CODA_API_BASE_URL: coda.baseUrl,
    })
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
    await server.close()
  })

  it('is migrated by the owner of the schema, which is no superuser, and twice is as good as once', async () => {
    expect(database.command(['db', 'migrate'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('applied 1'),
    })
    database.grant()
    expect(database.command(['db', 'migrate'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('is up to date'),
    })
    database.grant()
    for (const role of ['coda_mcp', 'coda_mcp_owner'] as const) {
      const [attributes] = await database.query(
        role,
        `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
         FROM pg_roles WHERE rolname = current_user`,
      )
      expect(Object.values(attributes ?? {})).toEqual([false, false, false, false, false])
    }
  })

  it('lets the server sign people in, store their tokens, read them and write the trail', async () => {
    const server = await startAsServer()
    try {
      const person = { codaToken: 'canary-coda-token' }
      const { access_token: token } = await tokenByCode(server, person, 'coda.read coda.write')
      const answer = await callTool(server.resource, token, 'coda_whoami')
      expect([answer.status, (await answer.text()).includes('isError')]).toEqual([200, false])
      await expect
        .poll(() =>
          database.query(
            'coda_mcp',
            `SELECT outcome FROM mcp_auth.audit_events WHERE event = 'tool.call'`,
          ),
        )
        .toEqual([{ outcome: 'done' }])
      expect(server.log.filter((line) => /"level":[56]0|privilege/.test(line))).toEqual([])
    } finally {
      await server.close()
    }
    const again = await startAsServer()
    expect((await fetch(`${again.url}/health/ready`)).status).toBe(200)
    await again.close()
  })

  it('lets the commands of README.md do what they say, as the role that each is for', () => {
    const audit = ['audit', '--event', 'tool.call']
    const listed = database.command(audit, { role: 'coda_mcp', keys: encryptionKeys })
    expect(listed).toMatchObject({ code: 0, said: expect.stringContaining('tool.call') })
    const erase = ['users', 'erase', 'sample@example.com', '--store', 'postgres', '--yes']
    expect(database.command(erase, { role: 'coda_mcp', keys: encryptionKeys }).code).not.toBe(0)
    expect(database.command(erase, { keys: encryptionKeys })).toMatchObject({
      code: 0,
      said: expect.stringContaining('erased'),
    })
  })

  it.each([
    ['make a role', 'CREATE ROLE other'],
    ['make a database', 'CREATE DATABASE other'],
    ['read the passwords of roles', 'SELECT * FROM pg_authid'],
    ['read files of the machine', `SELECT pg_read_file('/etc/passwd')`],
    ['run a program', `COPY (SELECT 1) TO PROGRAM 'true'`],
    ['become the owner', 'SET ROLE coda_mcp_owner'],
    ['make a table', 'CREATE TABLE mcp_auth.own (id int)'],
    ['make one elsewhere', 'CREATE TABLE public.own (id int)'],
    ['make a temporary one', 'CREATE TEMPORARY TABLE own (id int)'],
    ['make a schema', 'CREATE SCHEMA other'],
    ['change a table', 'ALTER TABLE mcp_auth.credentials ADD COLUMN own int'],
    ['drop a table', 'DROP TABLE mcp_auth.credentials'],
    ['empty a table at once', 'TRUNCATE mcp_auth.credentials'],
    ['claim a migration', 'DELETE FROM mcp_auth.schema_migrations'],
    ['change the trail', `UPDATE mcp_auth.audit_events SET outcome = 'ok'`],
    ['change the checks of keys', 'DELETE FROM mcp_auth.encryption_keys'],
    ['pass its rights on', 'GRANT SELECT ON mcp_auth.credentials TO PUBLIC'],
  ])('does not let the server %s', async (_, statement) => {
    if (statement.startsWith('GRANT')) {
      // PostgreSQL only warns of a grant that gives nothing.
      await database.query('coda_mcp', statement)
      expect(
        await database.query(
          'postgres',
          `SELECT 1 FROM information_schema.role_table_grants
           WHERE grantee = 'PUBLIC' AND table_schema = 'mcp_auth'`,
        ),
      ).toEqual([])
    } else await refused(statement)
  })

  it('lets nobody in with the password of another role, or without one', async () => {
    for (const password of ['', 'wrong', new URL(database.addressOf('coda_mcp_owner')).password]) {
      const address = new URL(database.addressOf('coda_mcp'))
      address.password = password
      const { Client } = (await import('pg')).default
      const client = new Client({ connectionString: address.href })
      client.on('error', () => {})
      await expect(client.connect()).rejects.toThrow(/password/i)
      await client.end()
    }
  })

  it('belongs to the owner, and every table has the rights that database-schema.md names', async () => {
    const owners = await database.query(
      'postgres',
      `SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'mcp_auth'`,
    )
    expect(owners).toEqual([{ tableowner: 'coda_mcp_owner' }])
    const rows = await database.query(
      'postgres',
      `SELECT tables.table_name AS name,
         coalesce(string_agg(grants.privilege_type, ' ' ORDER BY grants.privilege_type), '') AS rights
       FROM information_schema.tables AS tables
       LEFT JOIN information_schema.role_table_grants AS grants
         ON grants.table_schema = tables.table_schema AND grants.table_name = tables.table_name
         AND grants.grantee = 'coda_mcp'
       WHERE tables.table_schema = 'mcp_auth' GROUP BY tables.table_name`,
    )
    const page = readFileSync(
      new URL('../../../docs/reference/database-schema.md', import.meta.url),
      'utf8',
    )
    const documented = new Map<string, string>()
    for (const [, rights = '', tables = ''] of page.matchAll(
      /^GRANT ([A-Z, ]+?)\s+ON ([\w.,\s]+?) TO mcp_auth_runtime/gm,
    )) {
      for (const [, table = ''] of tables.matchAll(/mcp_auth\.(\w+)/g)) {
        documented.set(table, rights.split(', ').sort().join(' '))
      }
    }
    // Beyond what the page needs, so that /account shows the trail and its end is kept.
    documented.set('audit_events', 'DELETE INSERT SELECT')
    expect(new Map(rows.map(({ name, rights }) => [name, rights]))).toEqual(documented)
  })
})
