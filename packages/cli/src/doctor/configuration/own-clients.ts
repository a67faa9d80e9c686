import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, Statement } from '@bestviable/mcp-auth-store-postgres'
import type { CommandContext } from '../../command.js'
import { VARIABLES } from '../../configuration/variables.js'
import { type ManagementUse, withManagement } from '../../management/with-management.js'
import type { RemoveClients } from '../active/clean-up.js'

/** Flags that lead to the database of an authorization server. */
export interface OwnDatabaseFlags {
  readonly schema?: string | undefined
  readonly dataDir?: string | undefined
}

/** Only what registered itself, and says that it is the doctor's. */
const findClients: Statement = {
  name: 'mcp_auth_cli_doctor_clients',
  text: `SELECT client_id FROM {schema}.oauth_clients
    WHERE client_id = ANY($1::text[]) AND origin = 'dynamic' AND client_name LIKE 'mcp-auth doctor %'`,
}

const findUsers: Statement = {
  name: 'mcp_auth_cli_doctor_users',
  text: `SELECT DISTINCT held.user_id, profile.created_at >= to_timestamp($2::float8) AS is_new
    FROM {schema}.oauth_tokens AS held
    LEFT JOIN {schema}.user_profiles AS profile ON profile.user_id::text = held.user_id
    WHERE held.client_id = ANY($1::text[]) AND held.user_id IS NOT NULL`,
}

const removeTokens: Statement = {
  name: 'mcp_auth_cli_doctor_tokens',
  text: `DELETE FROM {schema}.oauth_tokens WHERE client_id = ANY($1::text[])
    OR (token_type = 'Session' AND user_id = ANY($2::text[]) AND created_at >= to_timestamp($3::float8))`,
}

const removeRows: Statement = {
  name: 'mcp_auth_cli_doctor_rows',
  text: 'DELETE FROM {schema}.oauth_clients WHERE client_id = ANY($1::text[])',
}

function textsOf(rows: readonly Readonly<Record<string, unknown>>[], name: string): string[] {
  return rows.map((row) => row[name]).filter((value) => typeof value === 'string')
}

/** Ends the tokens of the clients on every server, then removes their rows and what they held. */
async function remove(
  { management, database, actor }: ManagementUse,
  clientIds: readonly string[],
  startedAt: number,
): Promise<readonly string[]> {
  const since = startedAt / 1000
  const own = textsOf(await database.query(findClients, [clientIds]), 'client_id')
  if (own.length === 0) return own
  const users = await database.query(findUsers, [own, since])
  // Sequential: each revocation is a transaction of its own, and embedded databases have one connection.
  for (const id of own) await management.clients.revoke(id, { actor })
  await removeAll(database, own, textsOf(users, 'user_id'), since)
  const isNew = (row: Readonly<Record<string, unknown>>): boolean => row.is_new === true
  // The development login made a profile for the sign-in of this run.
  for (const id of textsOf(users.filter(isNew), 'user_id')) {
    await management.users.erase(id, { actor })
  }
  return own
}

async function removeAll(
  database: Database,
  clientIds: readonly string[],
  userIds: readonly string[],
  since: number,
): Promise<void> {
  await database.transaction(
    async (transaction) => {
      await transaction.query(removeTokens, [clientIds, userIds, since])
      await transaction.query(removeRows, [clientIds])
    },
    { kind: 'write' },
  )
}

/** Whether the variables lead to a database, which opening an embedded one would make. */
function hasDatabase({ variables }: CommandContext, flags: OwnDatabaseFlags): boolean {
  if (variables.DATABASE_URL !== undefined || variables.DATABASE_URL_FILE !== undefined) return true
  const dataDir = flags.dataDir ?? variables.DATA_DIR ?? VARIABLES.DATA_DIR.fallback ?? ''
  return existsSync(join(dataDir, 'pglite'))
}

/**
 * Creates the function that removes clients of a run from the database of one's own authorization
 * server; `undefined` where the configuration names none. Opens the database when there is something to
 * remove. The audit trail keeps what happened.
 */
export function createRemoveClients(
  context: CommandContext,
  flags: OwnDatabaseFlags,
): RemoveClients | undefined {
  if (!hasDatabase(context, flags)) return undefined
  const startedAt = context.host.now()
  return (clientIds) =>
    withManagement(context, flags, (opened) => remove(opened, clientIds, startedAt))
}
