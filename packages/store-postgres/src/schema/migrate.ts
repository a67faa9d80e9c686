import { createHash } from 'node:crypto'
import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { Queryable, Statement } from '../database/database.js'
import { databaseUnavailable, sqlStateOf } from '../database/database-errors.js'
import type { RawDatabase } from '../database/raw-database.js'
import type { Migration } from './migration.js'

/** How replicas take turns. */
export type MigrationLock = 'advisory' | 'table'

/** What migrating needs. */
export interface MigrationContext {
  readonly raw: RawDatabase
  readonly lock: MigrationLock
  readonly migrations: readonly Migration[]
}

const APPLIED: Statement = {
  name: 'migrations_applied',
  text: 'SELECT version, name, checksum FROM {schema}.schema_migrations ORDER BY version',
}
const RECORD: Statement = {
  name: 'migrations_record',
  text: 'INSERT INTO {schema}.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)',
}
const ADVISORY_LOCK: Statement = {
  name: 'migrations_advisory_lock',
  text: 'SELECT pg_advisory_xact_lock($1::bigint)',
}
const ROW_LOCK: Statement = {
  name: 'migrations_row_lock',
  text: 'SELECT version FROM {schema}.schema_migrations WHERE version = 0 FOR UPDATE',
}

const FIND_SCHEMA: Statement = {
  name: 'migrations_find_schema',
  text: 'SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1',
}
const CREATE_SCHEMA: Statement = {
  name: 'migrations_create_schema',
  text: 'CREATE SCHEMA IF NOT EXISTS {schema}',
}
// Each may run twice at once. Version 0 is no migration but the row that replicas lock.
const FOUNDATION: readonly Statement[] = [
  {
    name: 'migrations_create_table',
    text: `CREATE TABLE IF NOT EXISTS {schema}.schema_migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`,
  },
  {
    name: 'migrations_create_lock',
    text: `INSERT INTO {schema}.schema_migrations (version, name, checksum)
      VALUES (0, 'lock', '') ON CONFLICT DO NOTHING`,
  },
]

// What IF NOT EXISTS answers when another session creates the same at the same moment.
const ALREADY_THERE = ['23505', '42P06', '42P07', '42710', 'XX000']
const FOUNDATION_ATTEMPTS = 5

/** Checksum of a migration, which an applied one keeps for ever. */
export function checksumOf(migration: Migration): string {
  const hash = createHash('sha256')
  for (const statement of migration.statements) hash.update(`${statement.length}:${statement}`)
  return hash.digest('hex')
}

function lockKey(schema: string): bigint {
  return createHash('sha256').update(`mcp-auth schema ${schema}`).digest().readBigInt64BE()
}

async function readApplied(queryable: Queryable): Promise<Map<number, string>> {
  const rows = await queryable.query(APPLIED, [])
  return new Map(rows.map((row) => [Number(row.version), String(row.checksum)]))
}

function findPending(
  applied: ReadonlyMap<number, string>,
  migrations: readonly Migration[],
): Migration[] {
  const changed = migrations.filter((migration) => {
    const checksum = applied.get(migration.version)
    return checksum !== undefined && checksum !== checksumOf(migration)
  })
  if (changed.length > 0) {
    throw new ConfigurationError(
      'database schema',
      changed.map(({ version, name }) => ({
        path: `migration ${version} (${name})`,
        message: 'was applied with other statements than this release has',
      })),
    )
  }
  // Higher versions than this release knows are those of a newer one, which only add.
  return migrations.filter(({ version }) => !applied.has(version))
}

/** Migrations of this release that the database lacks. Writes nothing. */
export async function findPendingMigrations(
  context: Pick<MigrationContext, 'raw' | 'migrations'>,
): Promise<readonly Migration[]> {
  let applied = new Map<number, string>()
  try {
    applied = await readApplied(context.raw)
  } catch (error) {
    // No schema (3F000 from some engines) or no table yet.
    if (!['42P01', '3F000'].includes(sqlStateOf(error) ?? '')) throw error
  }
  return findPending(applied, context.migrations)
}

async function layFoundation(raw: RawDatabase): Promise<void> {
  const found = await raw.query(FIND_SCHEMA, [raw.schema])
  // IF NOT EXISTS asks for the right to create schemas also where there is nothing to create.
  const statements = found.length > 0 ? FOUNDATION : [CREATE_SCHEMA, ...FOUNDATION]
  for (const statement of statements) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await raw.query(statement, [], { kind: 'write' })
        break
      } catch (error) {
        const isRace = ALREADY_THERE.includes(sqlStateOf(error) ?? '')
        if (!isRace || attempt === FOUNDATION_ATTEMPTS) throw error
      }
    }
  }
}

function applyOne(context: MigrationContext, migration: Migration): Promise<boolean> {
  const { raw, lock, migrations } = context
  const { version, name, statements } = migration
  return raw.transaction(
    async (transaction) => {
      if (lock === 'advisory') await transaction.query(ADVISORY_LOCK, [lockKey(raw.schema)])
      else await transaction.query(ROW_LOCK, [])
      // Another replica may have been here while this one waited.
      const pending = findPending(await readApplied(transaction), migrations)
      if (!pending.some((each) => each.version === version)) return false
      for (const [index, text] of statements.entries()) {
        await transaction.query({ name: `migration_${version}_${index}`, text }, [])
      }
      await transaction.query(RECORD, [version, name, checksumOf(migration)])
      return true
    },
    { kind: 'maintenance' },
  )
}

/** Applies what is pending, each migration in a transaction of its own, and returns what was applied here. */
export async function applyPendingMigrations(
  context: MigrationContext,
): Promise<readonly Migration[]> {
  const pending = await findPendingMigrations(context)
  if (pending.length === 0) return []
  await layFoundation(context.raw)
  const applied: Migration[] = []
  for (const migration of pending) {
    if (await applyOne(context, migration)) applied.push(migration)
  }
  return applied
}

/** Rejects when migrations are pending. */
export async function verifyMigrations(
  context: Pick<MigrationContext, 'raw' | 'migrations'>,
): Promise<void> {
  const pending = await findPendingMigrations(context)
  if (pending.length === 0) return
  const names = pending.map(({ version, name }) => `${version} (${name})`).join(', ')
  throw databaseUnavailable(
    `the database lacks migration ${names}; run "mcp-auth db migrate"`,
    'ERR_MIGRATIONS_PENDING',
  )
}
