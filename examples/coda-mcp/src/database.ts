import type { Database } from '@bestviable/mcp-auth-store-postgres'
import type { DatabaseConfig } from './config/database.js'
import type { Logger } from './logger.js'

/** The database of this process, with the keys that seal what is in it. */
export interface SealedDatabase {
  readonly database: Database
  readonly encryptionKeys: string
}

/** Options for {@link openDatabase}. */
export interface OpenDatabaseOptions {
  readonly config: DatabaseConfig
  /** Directory of the embedded database. */
  readonly dataDir: string
  readonly logger: Logger
}

/**
 * Makes the one database that the authorization server and the store share: one pool of connections,
 * or one embedded database, which only one owner in one process can open. Connects with the first use.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<SealedDatabase> {
  const { config, dataDir, logger } = options
  const { connectionString, schema } = config
  // Loaded when they are used, so that a server without a database needs none of it.
  const { createDatabase, loadOrCreateKeyFile } = await import(
    '@bestviable/mcp-auth-store-postgres'
  )
  const onError = (error: Error) => logger.warn({ err: error }, 'trouble with the database')
  const database = createDatabase({
    ...(connectionString === undefined ? { dataDir } : { connectionString }),
    schema,
    onError,
  })
  if (connectionString === undefined) {
    logger.info(`the embedded database in ${dataDir} is opened, which takes some seconds`)
  }
  if (config.encryptionKeys !== undefined) {
    return { database, encryptionKeys: config.encryptionKeys }
  }
  const { keys, path, created } = loadOrCreateKeyFile(dataDir)
  if (created) {
    logger.warn(`an encryption key was made in ${path}: without it what is stored cannot be read`)
  }
  return { database, encryptionKeys: keys }
}
