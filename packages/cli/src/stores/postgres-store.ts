import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  type EnvelopeCodec,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import {
  applyMigrations,
  createDatabase,
  type Database,
  loadOrCreateKeyFile,
  pendingMigrations,
  postgresTokenStore,
} from '@bestviable/mcp-auth-store-postgres'
import type { CommandContext } from '../command.js'
import {
  createSettingsReader,
  type PostgresSettings,
  readPostgresSettings,
  type StoreFlags,
} from '../configuration/store-settings.js'
import { CommandFailure } from '../failure.js'
import type { OpenStore, StoreUse } from './open-store.js'

/** Version of the migration that makes the first tables. */
const FIRST_MIGRATION = 1

function openDatabase({ connectionString, dataDir, schema }: PostgresSettings): Database {
  // A command lives for seconds: nobody has to be told of changes, and one connection is enough. The
  // schema of a running server is never changed in passing; that is what "db migrate" is for.
  const common = { schema, migrate: 'verify', listen: false } as const
  return connectionString === undefined
    ? createDatabase({ dataDir, attach: 'auto', ...common })
    : createDatabase({ connectionString, ...common })
}

/** Whether there is a database, which opening an embedded one would make. */
function hasDatabase({ connectionString, dataDir }: PostgresSettings): boolean {
  return connectionString !== undefined || existsSync(join(dataDir, 'pglite'))
}

/** A command that looks something up must not leave an empty database and a key behind. */
function requireDatabase(settings: PostgresSettings): void {
  if (hasDatabase(settings)) return
  throw new CommandFailure(
    'configuration',
    `there is no database in ${JSON.stringify(settings.dataDir)}: name that of the server by DATABASE_URL or --data-dir, or make one by "mcp-auth db migrate"`,
  )
}

/** The keys of the settings, or of the key file beside the embedded database. */
export function readEncryptionKeys(context: CommandContext, settings: PostgresSettings): string {
  if (settings.encryptionKeys !== undefined) return settings.encryptionKeys
  const { keys, path, created } = loadOrCreateKeyFile(settings.dataDir)
  if (created) {
    context.output.warn(
      `an encryption key was made in ${JSON.stringify(path)}; without it the stored credentials cannot be read`,
    )
  }
  return keys
}

/** Seals and opens records with the keys of the settings. */
export function openCodec(context: CommandContext, settings: PostgresSettings): EnvelopeCodec {
  const keys = readEncryptionKeys(context, settings)
  return createEnvelopeCodec({ keyProvider: localKeyProvider({ keys }) })
}

/** Whether the database has none of the tables yet. */
async function isEmptyDatabase(database: Database): Promise<boolean> {
  const pending = await pendingMigrations(database)
  return pending.some(({ version }) => version === FIRST_MIGRATION)
}

async function prepareTables(
  { output }: CommandContext,
  database: Database,
  { write }: StoreUse,
): Promise<void> {
  const pending = await pendingMigrations(database)
  if (pending.length === 0) return
  const isEmpty = pending.some(({ version }) => version === FIRST_MIGRATION)
  if (isEmpty && write) {
    await applyMigrations(database)
    output.note(`made the tables in the schema ${database.schema}`)
    return
  }
  throw new CommandFailure(
    'configuration',
    isEmpty
      ? `the schema ${database.schema} has no tables yet; run "mcp-auth db migrate"`
      : `the database lacks ${pending.length} migrations of this release; run "mcp-auth db migrate"`,
  )
}

/** Opens the store over the database of the settings. */
export async function openPostgresStore(
  context: CommandContext,
  settings: PostgresSettings,
  use: StoreUse,
): Promise<OpenStore> {
  const { namespace } = settings
  // What the tables would hold if a dry run made them.
  const openEmpty = (): TokenStore => memoryTokenStore({ namespace })
  if (use.dryRun && use.write && !hasDatabase(settings)) {
    const store = openEmpty()
    return { settings, store, close: () => store.close() }
  }
  if (!use.write && use.database === undefined) requireDatabase(settings)
  const encryptionKeys = readEncryptionKeys(context, settings)
  const database = use.database ?? openDatabase(settings)
  const closeDatabase = () => (use.database === undefined ? database.close() : Promise.resolve())
  try {
    if (use.dryRun && use.write && (await isEmptyDatabase(database))) {
      return { settings, database, store: openEmpty(), close: closeDatabase }
    }
    await prepareTables(context, database, use)
  } catch (error) {
    await closeDatabase()
    throw error
  }
  // A dry run writes nothing at all, not even that it read.
  const auditReads = use.dryRun ? 'off' : 'all'
  const store = postgresTokenStore({ database, encryptionKeys, namespace, auditReads })
  return {
    settings,
    database,
    store,
    async close() {
      await store.close()
      await closeDatabase()
    },
  }
}

/** What a command needs of the database itself. */
export interface DatabaseUse {
  /** Whether the encryption keys are needed. */
  readonly sealed: boolean
  /** Whether the tables must be there, are made in an empty database, or do not matter. Default `required`. */
  readonly tables?: 'required' | 'made' | 'any'
}

/**
 * Opens the database that flags and variables name, hands it over, and closes it whatever happens.
 *
 * @throws {@link ConfigurationError} listing everything that is missing or malformed.
 */
export async function withDatabase<Value>(
  context: CommandContext,
  flags: StoreFlags,
  { sealed, tables = 'required' }: DatabaseUse,
  use: (database: Database, settings: PostgresSettings) => Promise<Value>,
): Promise<Value> {
  const reader = createSettingsReader(context.variables)
  const settings = readPostgresSettings(reader, flags, { sealed })
  reader.finish()
  if (tables === 'required') requireDatabase(settings)
  const database = openDatabase(settings)
  try {
    if (tables !== 'any') await prepareTables(context, database, { write: tables === 'made' })
    return await use(database, settings)
  } finally {
    await database.close()
  }
}
