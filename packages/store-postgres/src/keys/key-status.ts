import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database, Statement } from '../database/database.js'
import { countRecords } from './count-records.js'
import { keyIdFromBytes } from './key-id.js'

/** One key-encryption key, as far as the database and this process know it. */
export interface KeyStatus {
  readonly keyId: string
  /** Sealed records under it, in all namespaces of the schema. */
  readonly records: number
  /** Whether new records are sealed under it here. `undefined` when no keys were given. */
  readonly current: boolean | undefined
  /** Whether it is configured here. `undefined` when no keys were given. */
  readonly inRing: boolean | undefined
  /** Epoch seconds of its first use; absent when it was never the current key. */
  readonly registeredAt: number | undefined
  /**
   * Whether it can be taken out of `MCP_AUTH_ENCRYPTION_KEYS`: no record is under it and it is not the
   * current key. Also false when no keys were given, because then the current one is not known. Backups
   * that are older need it all the same.
   */
  readonly safeToDrop: boolean
}

const selectRegistered: Statement = {
  name: 'mcp_auth_keys_registered',
  text: `SELECT key_id, extract(epoch FROM created_at)::float8 AS created_at
FROM {schema}.encryption_keys ORDER BY encryption_keys.created_at, key_id`,
}

/**
 * Lists every key id that is configured, registered or named by a record: configured ones first, in
 * their order. Changes nothing and opens nothing.
 *
 * @throws {@link StoreUnavailableError} when the database does not answer.
 */
export async function keyStatus(
  database: Database,
  codec?: EnvelopeCodec,
): Promise<readonly KeyStatus[]> {
  const registered = new Map<string, number>()
  for (const row of await database.query(selectRegistered, [])) {
    registered.set(keyIdFromBytes(row.key_id), Math.floor(Number(row.created_at)))
  }
  const counts = await countRecords(database)
  const keyIds = new Set([...(codec?.keyIds ?? []), ...registered.keys(), ...counts.keys()])
  return [...keyIds].map((keyId) => {
    const records = counts.get(keyId) ?? 0
    const current = codec && codec.currentKeyId === keyId
    return {
      keyId,
      records,
      current,
      inRing: codec?.keyIds.includes(keyId),
      registeredAt: registered.get(keyId),
      safeToDrop: records === 0 && current === false,
    }
  })
}
