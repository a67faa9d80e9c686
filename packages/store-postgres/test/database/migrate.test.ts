import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Statement } from '../../src/database/database.js'
import { parseDatabaseOptions } from '../../src/database/options.js'
import { createPostgresDatabase } from '../../src/database/postgres-database.js'
import {
  applyMigrations,
  manageSchema,
  pendingMigrations,
  type SchemaOptions,
} from '../../src/schema/managed-database.js'
import type { Migration } from '../../src/schema/migration.js'
import { migrations as ownMigrations } from '../../src/schema/migrations.js'
import { portableProfile, type TestDatabase, testEngines } from '../support/engines.js'

const FIRST: Migration = {
  version: 1,
  name: 'things',
  // Not repeatable: a second run would fail.
  statements: ['CREATE TABLE {schema}.things (id int)', 'INSERT INTO {schema}.things VALUES (1)'],
}
const SECOND: Migration = {
  version: 2,
  name: 'sizes',
  statements: ['ALTER TABLE {schema}.things ADD COLUMN size int'],
}
const COUNT: Statement = { name: 'test_things', text: 'SELECT count(*) AS n FROM {schema}.things' }

const open: Database[] = []
const postgres = testEngines().filter(({ kind }) => kind === 'postgres')
const profiles = [
  ['advisory', { locks: 'advisory' }],
  ['table', portableProfile],
] as const

afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()))
})

describe.each(postgres)('$name', (engine) => {
  let test: TestDatabase
  let admin: pg.Client

  beforeAll(async () => {
    if (engine.skip === undefined) test = await engine.createDatabase()
  })
  afterAll(() => test?.drop())
  beforeEach(async (context) => {
    if (engine.skip !== undefined) context.skip(engine.skip)
    admin = new pg.Client({ connectionString: test.connectionString })
    admin.on('error', () => {})
    await admin.connect()
  })
  afterEach(async () => {
    await admin?.query('DROP SCHEMA IF EXISTS mcp_auth CASCADE')
    await admin?.end()
  })

  function create(
    options: Partial<SchemaOptions> & {
      readonly prepared?: boolean
      readonly listen?: boolean
    } = {},
    address = test.connectionString,
  ): Database {
    const { migrations, migrate = 'auto', locks = 'advisory', ...rest } = options
    const raw = createPostgresDatabase(
      parseDatabaseOptions({ connectionString: address, maxConnections: 2, ...rest }),
    )
    const database = manageSchema(raw, {
      migrate,
      locks,
      migrations: migrations ?? [FIRST, SECOND],
    })
    open.push(database)
    return database
  }

  async function appliedVersions(): Promise<number[]> {
    const { rows } = await admin.query(
      'SELECT version FROM mcp_auth.schema_migrations WHERE version > 0 ORDER BY version',
    )
    return rows.map(({ version }) => version)
  }

  it.each(profiles)(
    'eight replicas that start at once migrate once: %s',
    async (locks, profile) => {
      const replicas = Array.from({ length: 8 }, () => create({ ...profile, locks }))
      const counts = await Promise.all(replicas.map((replica) => replica.query(COUNT)))
      expect(counts).toEqual(Array(8).fill([{ n: '1' }]))
      expect(await appliedVersions()).toEqual([1, 2])
      expect(await applyMigrations(create({ ...profile, locks }))).toEqual([])
    },
  )

  it('applies what a newer release adds', async () => {
    await create({ migrations: [FIRST] }).ready()
    const newer = create()
    expect((await pendingMigrations(newer)).map(({ version }) => version)).toEqual([2])
    expect((await applyMigrations(newer)).map(({ name }) => name)).toEqual(['sizes'])
    expect(await pendingMigrations(newer)).toEqual([])
  })

  it('accepts a database that a newer release has migrated', async () => {
    await create().ready()
    for (const migrate of ['auto', 'verify'] as const) {
      const older = create({ migrations: [FIRST], migrate })
      expect(await older.query(COUNT)).toEqual([{ n: '1' }])
    }
    expect(await appliedVersions()).toEqual([1, 2])
  })

  it('refuses an applied migration whose statements have changed, and names it', async () => {
    await create().ready()
    const changed = { ...FIRST, statements: [...FIRST.statements, 'SELECT 1'] }
    for (const migrate of ['auto', 'verify'] as const) {
      const database = create({ migrations: [changed, SECOND], migrate })
      await expect(database.query(COUNT)).rejects.toMatchObject({
        code: 'ERR_CONFIGURATION',
        problems: [{ path: 'migration 1 (things)' }],
      })
    }
    // A new name is no other schema.
    const renamed = create({ migrations: [{ ...FIRST, name: 'objects' }, SECOND] })
    expect(await renamed.query(COUNT)).toEqual([{ n: '1' }])
  })

  it('leaves nothing of a migration that fails, and goes on when it is mended', async () => {
    const broken = { ...SECOND, statements: [...SECOND.statements, 'SELECT nothing_like_that'] }
    await expect(create({ migrations: [FIRST, broken] }).ready()).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect(await appliedVersions()).toEqual([1])
    await create().ready()
    expect(await appliedVersions()).toEqual([1, 2])
  })

  it('verify never writes, says what to run, and goes on when somebody has run it', async () => {
    const verifying = create({ migrate: 'verify' })
    const failure = verifying.query(COUNT)
    await expect(failure).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(failure).rejects.toThrow(
      /lacks migration 1 \(things\), 2 \(sizes\); run "mcp-auth db migrate"/,
    )
    const { rows } = await admin.query(`SELECT to_regnamespace('mcp_auth') AS schema`)
    expect(rows).toEqual([{ schema: null }])
    expect((await pendingMigrations(verifying)).map(({ version }) => version)).toEqual([1, 2])
    await applyMigrations(verifying)
    expect(await verifying.query(COUNT)).toEqual([{ n: '1' }])
  })

  it('needs no right to create schemas where there is one, and none to write when all is applied', async () => {
    const { rows } = await admin.query('SELECT current_database() AS name')
    const role = `role_${String(rows[0]?.name)}`
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
    await admin.query(`CREATE SCHEMA mcp_auth AUTHORIZATION ${role}`)
    const url = new URL(test.connectionString ?? '')
    url.username = role
    url.password = role
    const address = url.href
    await create({}, address).ready()
    await admin.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`)
    const refused = create({}, address).query(COUNT)
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      cause: { code: '42501' },
    })
    await expect(refused).rejects.toThrow(/grant/)
    await admin.query(`GRANT USAGE ON SCHEMA mcp_auth TO ${role}`)
    await admin.query(`GRANT SELECT ON ALL TABLES IN SCHEMA mcp_auth TO ${role}`)
    expect(await create({}, address).query(COUNT)).toEqual([{ n: '1' }])
    await Promise.all(open.splice(0).map((database) => database.close()))
    await admin.query(`DROP OWNED BY ${role}`)
    await admin.query(`DROP ROLE ${role}`)
  })

  it('a statement does not wait longer than its deadline for another replica that migrates', async () => {
    await create({ migrations: [FIRST] }).ready()
    await admin.query('BEGIN')
    await admin.query('LOCK TABLE mcp_auth.things IN ACCESS SHARE MODE')
    const database = create()
    const started = performance.now()
    await expect(database.query(COUNT, [], { timeoutMilliseconds: 300 })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect(performance.now() - started).toBeLessThan(1_500)
    await admin.query('COMMIT')
    expect(await database.query(COUNT)).toEqual([{ n: '1' }])
  })

  it('keeps schemas of one database apart, also on one pool', async () => {
    const pool = new pg.Pool({ connectionString: test.connectionString, max: 1 })
    const names = ['Mcp_One', 'mcp_one', 'x'.repeat(63)]
    const databases = names.map((schema) => createDatabase({ pool, schema }))
    const insert: Statement = {
      name: 'test_insert',
      text: `INSERT INTO {schema}.leases VALUES ('n', decode(repeat('00', 32), 'hex'), gen_random_uuid(), now())`,
    }
    const count: Statement = {
      name: 'test_count',
      text: 'SELECT count(*) AS n FROM {schema}.leases',
    }
    await databases[0]?.query(insert, [], { kind: 'write' })
    const counts = []
    for (const database of databases) counts.push((await database.query(count))[0]?.n)
    expect(counts).toEqual(['1', '0', '0'])
    for (const name of names) await admin.query(`DROP SCHEMA "${name}" CASCADE`)
    await pool.end()
  })
})

describe('migrations of this release', () => {
  it('have versions without gaps, and names', () => {
    expect(ownMigrations.map(({ version }) => version)).toEqual(
      ownMigrations.map((_, index) => index + 1),
    )
    for (const { name } of ownMigrations) expect(name).toMatch(/^[a-z][a-z0-9 _-]*$/)
  })
})

describe('PGlite', () => {
  it('is migrated by the same statements, with the row as lock', async () => {
    const engine = testEngines().find(({ kind }) => kind === 'pglite')
    const empty = await engine?.createDatabase()
    if (empty === undefined) throw new Error('no PGlite')
    const database = createDatabase({ ...empty.options, locks: 'table' })
    expect(await pendingMigrations(database)).toHaveLength(ownMigrations.length)
    await database.ready()
    expect(await pendingMigrations(database)).toEqual([])
    await database.close()
    await empty.drop()
  }, 120_000)
})
