import type { Statement } from '@bestviable/mcp-auth-store-postgres'

const VALID = '(expires_at IS NULL OR expires_at > to_timestamp($3::float8))'

function findBy(column: 'token_id' | 'uid' | 'user_code'): Statement {
  return {
    name: `mcp_auth_as_find_${column}`,
    text: `SELECT token_id, version::text AS version, key_id, wrapped_key, payload,
        floor(extract(epoch FROM consumed_at))::float8 AS consumed
      FROM {schema}.oauth_tokens
      WHERE token_type = $1::text AND ${column} = $2::bytea AND ${VALID}`,
  }
}

/** `$1` token_type, `$2` digest, `$3` epoch seconds. */
export const findRecord: Statement = findBy('token_id')
export const findRecordByUid: Statement = findBy('uid')
export const findRecordByUserCode: Statement = findBy('user_code')

// What was used stays used, whatever the writer had read; only an expired record begins anew.
const UPSERT = `INSERT INTO {schema}.oauth_tokens AS stored (token_type, token_id, client_id, user_id,
      grant_id, uid, user_code, expires_at, consumed_at, created_at, version, key_id, wrapped_key,
      payload)
    VALUES ($1::text, $2::bytea, $3::text, $4::text, $5::bytea, $6::bytea, $7::bytea,
      to_timestamp($8::float8), to_timestamp($9::float8), to_timestamp($10::float8), $11::uuid,
      $12::bytea, $13::bytea, $14::bytea)
    ON CONFLICT (token_type, token_id) DO UPDATE SET client_id = excluded.client_id,
      user_id = excluded.user_id, grant_id = excluded.grant_id, uid = excluded.uid,
      user_code = excluded.user_code, expires_at = excluded.expires_at,
      consumed_at = CASE WHEN stored.expires_at <= excluded.created_at THEN excluded.consumed_at
        ELSE COALESCE(stored.consumed_at, excluded.consumed_at) END,
      version = excluded.version, key_id = excluded.key_id, wrapped_key = excluded.wrapped_key,
      payload = excluded.payload`

export const upsertRecord: Statement = { name: 'mcp_auth_as_upsert', text: UPSERT }

/** As `upsertRecord`, and counts the user as active, to the hour. */
export const upsertToken: Statement = {
  name: 'mcp_auth_as_upsert_token',
  text: `WITH active AS (
      UPDATE {schema}.user_profiles SET last_active_at = to_timestamp($10::float8)
      WHERE user_id = $4::text::uuid AND (last_active_at IS NULL
        OR last_active_at < to_timestamp($10::float8) - interval '1 hour')
    ) ${UPSERT}`,
}

/** `$1` token_type, `$2` digest, `$3` epoch seconds. Answers with a row for the one who was first. */
export const consumeRecord: Statement = {
  name: 'mcp_auth_as_consume',
  text: `UPDATE {schema}.oauth_tokens SET consumed_at = to_timestamp($3::float8)
    WHERE token_type = $1::text AND token_id = $2::bytea AND consumed_at IS NULL AND ${VALID}
    RETURNING 1 AS consumed`,
}

export const destroyRecord: Statement = {
  name: 'mcp_auth_as_destroy',
  text: 'DELETE FROM {schema}.oauth_tokens WHERE token_type = $1::text AND token_id = $2::bytea',
}

export const revokeGrant: Statement = {
  name: 'mcp_auth_as_revoke_grant',
  text: 'DELETE FROM {schema}.oauth_tokens WHERE grant_id = $1::bytea',
}

export const lockRecord: Statement = {
  name: 'mcp_auth_as_lock',
  text: `SELECT 1 AS locked FROM {schema}.oauth_tokens
    WHERE token_type = $1::text AND token_id = $2::bytea FOR UPDATE`,
}

export const lockClient: Statement = {
  name: 'mcp_auth_as_lock_client',
  text: 'SELECT 1 AS locked FROM {schema}.oauth_clients WHERE client_id = $1::text FOR UPDATE',
}
