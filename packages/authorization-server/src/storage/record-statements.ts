import type { Statement } from '@bestviable/mcp-auth-store-postgres'
import { heldUser } from './user-statements.js'

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

/** Kind of the row with the user of a locked record: its columns are the JSON in `payload`. */
export const HELD_USER = 'user'

const SEALED = 'version::text AS version, key_id, wrapped_key, payload'
const RECORD = `SELECT token_type, token_id, ${SEALED},
      floor(extract(epoch FROM consumed_at))::float8 AS consumed`
// What is no UUID stands for a client itself.
const USER = `(SELECT CASE WHEN user_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        THEN user_id::uuid END FROM locked)`

/**
 * Locks a record, holds its user, and reads both with what is asked for next: its grant, its client if that
 * is active, and the record of the kind `$4` of its user. `$1` token_type, `$2` digest, `$3` epoch seconds.
 */
export const lockRecord: Statement = {
  name: 'mcp_auth_as_lock',
  text: `WITH locked AS (
      SELECT * FROM {schema}.oauth_tokens
      WHERE token_type = $1::text AND token_id = $2::bytea FOR UPDATE
    ), held AS (
      ${heldUser(USER)}
    )
    ${RECORD}, true AS is_locked FROM locked WHERE ${VALID}
    UNION ALL ${RECORD}, false FROM {schema}.oauth_tokens
    WHERE ${VALID} AND token_type = 'Grant' AND token_id = (SELECT grant_id FROM locked)
    UNION ALL ${RECORD}, false FROM {schema}.oauth_tokens
    WHERE ${VALID} AND token_type = $4::text
      AND token_id = (SELECT sha256(convert_to(user_id, 'UTF8')) FROM locked)
    UNION ALL SELECT 'Client', convert_to(client_id, 'UTF8'), ${SEALED}, NULL, false
    FROM {schema}.oauth_clients WHERE client_id = (SELECT client_id FROM locked) AND active
    UNION ALL SELECT '${HELD_USER}', convert_to(user_id, 'UTF8'), NULL, NULL, NULL,
      convert_to(row_to_json(held)::text, 'UTF8'), NULL, true
    FROM held`,
}

/** Kinds of records that are tokens. */
export const TOKENS = ['AccessToken', 'ClientCredentials', 'RefreshToken'] as const

/**
 * Reads the tokens that have one of some ids, with their grants, and the active ones of their clients and of
 * one more. `$1` digests, `$2` client_id, `$3` epoch seconds.
 */
export const findTokens: Statement = {
  name: 'mcp_auth_as_find_tokens',
  text: `WITH found AS (
      SELECT * FROM {schema}.oauth_tokens
      WHERE token_type IN ('${TOKENS.join("', '")}') AND token_id = ANY($1::bytea[]) AND ${VALID}
    )
    ${RECORD} FROM found
    UNION ALL ${RECORD} FROM {schema}.oauth_tokens
    WHERE ${VALID} AND token_type = 'Grant' AND token_id = ANY(ARRAY(SELECT grant_id FROM found))
    UNION ALL SELECT 'Client', convert_to(client_id, 'UTF8'), ${SEALED}, NULL
    FROM {schema}.oauth_clients
    WHERE client_id = ANY(ARRAY(SELECT client_id FROM found UNION ALL SELECT $2::text)) AND active`,
}

export const lockClient: Statement = {
  name: 'mcp_auth_as_lock_client',
  text: 'SELECT 1 AS locked FROM {schema}.oauth_clients WHERE client_id = $1::text FOR UPDATE',
}
