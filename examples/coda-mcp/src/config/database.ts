import type { ConfigProblem } from './raw-environment.js'
import type { Environment } from './variables.js'

/** The database that the authorization server and the postgres store share. */
export interface DatabaseConfig {
  /** Absent: a database is embedded in `DATA_DIR`. */
  readonly connectionString: string | undefined
  /** Absent: the key file in `DATA_DIR` is used. */
  readonly encryptionKeys: string | undefined
  readonly schema: string
}

/** What needs a database, in words. */
export interface DatabaseUses {
  readonly authorizationServer: boolean
  readonly store: boolean
}

/** Reads the database, when anything needs one, and reports what it lacks. */
export function readDatabase(
  env: Environment,
  uses: DatabaseUses,
  options: { readonly loopback: boolean },
  problems: ConfigProblem[],
): DatabaseConfig | undefined {
  if (!uses.authorizationServer && !uses.store) return undefined
  const who = uses.authorizationServer ? 'the embedded authorization server' : 'the postgres store'
  if (env.DATABASE_URL === undefined && !options.loopback) {
    const message = `is missing: off loopback ${who} needs a database of its own`
    problems.push({ variable: 'DATABASE_URL', message })
  }
  const isOwn = env.DATABASE_URL !== undefined || !options.loopback
  if (isOwn && env.MCP_AUTH_ENCRYPTION_KEYS === undefined) {
    const message =
      'is missing: it seals what is stored. "npx @bestviable/mcp-auth-cli keys generate" makes one'
    problems.push({ variable: 'MCP_AUTH_ENCRYPTION_KEYS', message })
  }
  return {
    connectionString: env.DATABASE_URL,
    encryptionKeys: env.MCP_AUTH_ENCRYPTION_KEYS,
    schema: env.MCP_AUTH_SCHEMA,
  }
}

/** A sentence about a database that nothing needs. */
export function findUnusedDatabase(
  env: Environment,
  database: DatabaseConfig | undefined,
): string[] {
  if (database !== undefined || env.DATABASE_URL === undefined) return []
  return [
    'DATABASE_URL is set and not used: neither TOKEN_STORE=postgres nor the embedded authorization server is.',
  ]
}
