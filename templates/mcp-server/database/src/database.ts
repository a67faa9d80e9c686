import {
  createDatabase,
  type Database,
  loadOrCreateKeyFile,
} from '@bestviable/mcp-auth-store-postgres'
import { readVariable, requireVariables, type Settings } from './settings.js'

/** A database, and the keys that seal what is in it. */
export interface SealedDatabase {
  readonly database: Database
  readonly encryptionKeys: string
}

/** Opens PostgreSQL at `DATABASE_URL`; without it, on this machine only, the folder `DATA_DIR`. */
export function openDatabase({ env, isLocal }: Settings): SealedDatabase {
  if (isLocal && readVariable(env, 'DATABASE_URL') === undefined) {
    const dataDir = readVariable(env, 'DATA_DIR') ?? '.data'
    return {
      database: createDatabase({ dataDir }),
      encryptionKeys: loadOrCreateKeyFile(dataDir).keys,
    }
  }
  const { DATABASE_URL: connectionString, MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys } =
    requireVariables(env, 'DATABASE_URL', 'MCP_AUTH_ENCRYPTION_KEYS')
  return { database: createDatabase({ connectionString }), encryptionKeys }
}
