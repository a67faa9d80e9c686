import { cachedTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import type { SealedDatabase } from './database.js'

/** Keeps credentials sealed in the database. Changes by other processes are seen at once. */
export function createStore(sealed: SealedDatabase): TokenStore {
  return cachedTokenStore(postgresTokenStore(sealed))
}
