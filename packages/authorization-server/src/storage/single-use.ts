import { createVersion } from '@bestviable/mcp-auth-middleware'
import { digestId, type Statement } from '@bestviable/mcp-auth-store-postgres'
import { recordKey } from './record-store.js'
import { sealJson } from './sealed-json.js'
import type { StorageSession } from './session.js'

const KIND = 'ReplayDetection'
/** What a date of the database can hold; who signs chooses the time. */
const LATEST = Date.UTC(9000, 0) / 1000

// One statement, which waits for whoever writes the same row: of parallel uses one is the first. What has
// expired counts as absent.
const useOnce: Statement = {
  name: 'mcp_auth_as_use_once',
  text: `INSERT INTO {schema}.oauth_tokens AS stored (token_type, token_id, expires_at, created_at,
      version, key_id, wrapped_key, payload)
    VALUES ($1::text, $2::bytea, to_timestamp($3::float8), to_timestamp($4::float8), $5::uuid,
      $6::bytea, $7::bytea, $8::bytea)
    ON CONFLICT (token_type, token_id) DO UPDATE SET expires_at = excluded.expires_at,
      created_at = excluded.created_at, version = excluded.version, key_id = excluded.key_id,
      wrapped_key = excluded.wrapped_key, payload = excluded.payload
    WHERE stored.expires_at <= excluded.created_at
    RETURNING 1 AS used`,
}

/** Creates what marks names as used, see `Storage.useOnce`. */
export function createSingleUse(session: StorageSession) {
  return async (name: string, expiresAt: number): Promise<boolean> => {
    const [idDigest, version] = [digestId(name), createVersion()]
    const place = { table: 'oauth_tokens', kind: KIND, idDigest, version } as const
    const sealed = await sealJson(session.codec, place, '{}')
    const times = [Math.min(expiresAt, LATEST), session.now() / 1000]
    const values = [KIND, idDigest, ...times, version, ...sealed]
    // At once: what is collected for later is no answer.
    return (await session.write(useOnce, values, recordKey(KIND, idDigest))).length > 0
  }
}
