import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { Statement } from '../database/database.js'
import type { CredentialTable } from './credential-table.js'

// Walks the index from one key id to the next: there are few, however many records there are.
const selectForeignKeys: Statement = Object.freeze({
  name: 'mcp_auth_credential_foreign_keys',
  text: `WITH RECURSIVE ids AS (
      (SELECT key_id FROM {schema}.credentials WHERE key_id IS NOT NULL ORDER BY key_id LIMIT 1)
      UNION ALL
      SELECT (SELECT key_id FROM {schema}.credentials WHERE key_id > ids.key_id ORDER BY key_id LIMIT 1)
      FROM ids WHERE ids.key_id IS NOT NULL
    )
    SELECT encode(ids.key_id, 'hex') AS key_id, count(*)::float8 AS records
    FROM ids JOIN {schema}.credentials AS stored ON stored.key_id = ids.key_id
    WHERE stored.namespace = $1 AND encode(ids.key_id, 'hex') <> ALL ($2::text[])
    GROUP BY ids.key_id`,
})

/**
 * Finds records of the namespace that no configured key can open.
 *
 * @throws {@link StoreUnavailableError} naming the key ids and the number of records under each.
 */
export async function checkRecords({ database, namespace, codec }: CredentialTable): Promise<void> {
  const rows = await database.query(selectForeignKeys, [namespace, codec.keyIds])
  if (rows.length === 0) return
  const parts = rows.map(
    ({ key_id: keyId, records }) => `${String(records)} under ${String(keyId)}`,
  )
  throw new StoreUnavailableError(
    `credentials are encrypted under keys that are not configured here (${parts.join(', ')}); add those keys to MCP_AUTH_ENCRYPTION_KEYS`,
  )
}
