import type { Statement } from '@bestviable/mcp-auth-store-postgres'

const seconds = (column: string, name: string) =>
  `floor(extract(epoch FROM ${column}))::float8 AS ${name}`

const LAST_ISSUED = `(SELECT max(issued.created_at) FROM {schema}.oauth_tokens AS issued
  WHERE issued.grant_id = granted.token_id
    AND issued.token_type IN ('AccessToken', 'RefreshToken'))`

const COLUMNS = `granted.token_id, granted.user_id, granted.client_id,
  ${seconds('granted.created_at', 'created_at')}, ${seconds('granted.expires_at', 'expires_at')},
  granted.version::text AS version, granted.key_id, granted.wrapped_key, granted.payload,
  facts.version::text AS facts_version, facts.key_id AS facts_key_id,
  facts.wrapped_key AS facts_wrapped_key, facts.payload AS facts_payload, clients.client_name,
  ${seconds(LAST_ISSUED, 'last_used_at')}`

const FROM = `FROM {schema}.oauth_tokens AS granted
  LEFT JOIN {schema}.oauth_tokens AS facts
    ON facts.token_type = 'ConsentFacts' AND facts.token_id = granted.token_id
  LEFT JOIN {schema}.oauth_clients AS clients ON clients.client_id = granted.client_id`

function select(name: string, condition: string): Statement {
  return {
    name: `mcp_auth_as_grants_${name}`,
    text: `SELECT ${COLUMNS} ${FROM} WHERE granted.token_type = 'Grant'
      AND (granted.expires_at IS NULL OR granted.expires_at > to_timestamp($1::float8))
      AND ${condition}`,
  }
}

const page = (condition: string) =>
  `granted.token_id > $2::bytea ${condition} ORDER BY granted.token_id LIMIT $3::int`

/** `$1` epoch seconds, `$2` digest. */
export const findGrant: Statement = select('find', 'granted.token_id = $2::bytea')
/** `$1` epoch seconds, `$2` digest before the page, `$3` length; then what is asked for. */
export const listGrants: Statement = select('list', page(''))
export const listGrantsOfUser: Statement = select(
  'list_user',
  page('AND granted.user_id = $4::text'),
)
export const listGrantsOfClient: Statement = select(
  'list_client',
  page('AND granted.client_id = $4::text'),
)
export const listGrantsOfBoth: Statement = select(
  'list_both',
  page('AND granted.user_id = $4::text AND granted.client_id = $5::text'),
)

// Whoever uses one of them now finishes first; in one order, so that two of these take turns.
function lock(name: string, column: 'user_id' | 'client_id'): Statement {
  return {
    name: `mcp_auth_as_grants_lock_${name}`,
    text: `SELECT count(*) AS records FROM (SELECT 1 FROM {schema}.oauth_tokens
      WHERE ${column} = $1::text ORDER BY token_type, token_id FOR UPDATE) AS locked`,
  }
}

export const lockRecordsOfUser: Statement = lock('user', 'user_id')
export const lockRecordsOfClient: Statement = lock('client', 'client_id')

function collect(name: string, column: 'user_id' | 'client_id'): Statement {
  return {
    name: `mcp_auth_as_grants_of_${name}`,
    text: `SELECT token_id AS grant_key FROM {schema}.oauth_tokens
        WHERE ${column} = $1::text AND token_type = 'Grant'
      UNION SELECT grant_id AS grant_key FROM {schema}.oauth_tokens
        WHERE ${column} = $1::text AND grant_id IS NOT NULL`,
  }
}

export const grantKeysOfUser: Statement = collect('user', 'user_id')
export const grantKeysOfClient: Statement = collect('client', 'client_id')

function remove(name: string, condition: string): Statement {
  return {
    name: `mcp_auth_as_grants_remove_${name}`,
    text: `WITH removed AS (DELETE FROM {schema}.oauth_tokens WHERE ${condition} RETURNING 1)
      SELECT count(*) AS records FROM removed`,
  }
}

export const removeRecordsOfUser: Statement = remove('user', 'user_id = $1::text')
export const removeRecordsOfClient: Statement = remove('client', 'client_id = $1::text')
/** `$1` digests. What was kept for a grant need not name its user. */
export const removeRecordsOfGrants: Statement = remove('grants', 'grant_id = ANY($1::bytea[])')
/** `$1` digests. */
export const removeGrants: Statement = remove(
  'records',
  `token_type = 'Grant' AND token_id = ANY($1::bytea[])`,
)
