import type { PostgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import type { Client } from 'pg'
import { pastedTokenOf } from './crash-logins.js'

// Older ones were looked at after the kills before.
const NEWEST = 20

/** Credentials of the newest connections that are not the ones of their owner. */
async function damagedCredentials(
  client: Client,
  store: PostgresTokenStore,
): Promise<readonly string[]> {
  const { rows } =
    await client.query(`SELECT credentials.provider, owner_issuer, owner_subject, email
    FROM mcp_auth.credentials LEFT JOIN mcp_auth.user_profiles ON user_id::text = owner_subject
    ORDER BY changed_at DESC LIMIT ${NEWEST}`)
  const damages: string[] = []
  for (const { provider, owner_issuer: issuer, owner_subject: subject, email } of rows) {
    const credential = await store.get({ provider, owner: { kind: 'user', issuer, subject } })
    const expected = pastedTokenOf(String(email).replace('@example.com', ''))
    if (credential?.secret !== expected) damages.push(`credential that is not of ${email}`)
  }
  return damages
}

/** What must not be there, whenever a process was killed: kinds of damage with the number of rows. */
export async function findDamages(
  client: Client,
  store: PostgresTokenStore,
): Promise<readonly string[]> {
  const { rows } = await client.query(`WITH tokens AS (SELECT * FROM mcp_auth.oauth_tokens)
    SELECT 'grant whose redeemed codes have not one live refresh token each' AS damage,
      count(*)::int AS count FROM (
        SELECT 1 FROM tokens WHERE grant_id IS NOT NULL GROUP BY grant_id
        HAVING count(*) FILTER (WHERE token_type = 'RefreshToken' AND consumed_at IS NULL)
          <> count(*) FILTER (WHERE token_type = 'AuthorizationCode' AND consumed_at IS NOT NULL)
      ) AS grants
    UNION ALL SELECT 'token without its grant', count(*)::int FROM tokens AS token
      WHERE token_type IN ('AccessToken', 'RefreshToken', 'AuthorizationCode', 'RefreshReplay')
        AND NOT EXISTS (SELECT 1 FROM tokens AS held
          WHERE held.token_type = 'Grant' AND held.token_id = token.grant_id)
    UNION ALL SELECT 'grant that was not recorded as approved', count(*)::int FROM tokens AS held
      WHERE token_type = 'Grant' AND NOT EXISTS (SELECT 1 FROM tokens AS facts
        WHERE facts.token_type = 'ConsentFacts' AND facts.token_id = held.token_id)
    UNION ALL SELECT 'spent refresh token without its answer', count(*)::int FROM tokens AS spent
      WHERE token_type = 'RefreshToken' AND consumed_at > now() - interval '60 seconds'
        AND NOT EXISTS (SELECT 1 FROM tokens AS replay
          WHERE replay.token_type = 'RefreshReplay' AND replay.token_id = spent.token_id)
    UNION ALL SELECT 'record that never ends', count(*)::int FROM tokens
      WHERE expires_at IS NULL AND token_type <> 'IdentityFacts'
    UNION ALL SELECT 'person with two profiles', count(*)::int FROM (
        SELECT 1 FROM mcp_auth.user_profiles GROUP BY email HAVING count(*) > 1
      ) AS people
    UNION ALL SELECT 'credential that was not recorded', count(*)::int
      FROM mcp_auth.credentials AS held WHERE NOT EXISTS (SELECT 1 FROM mcp_auth.audit_events AS event
        WHERE event.event = 'credential.write' AND event.key_digest = held.key_digest)
    UNION ALL SELECT 'grant of somebody who connected no account', count(*)::int FROM tokens AS held
      WHERE token_type = 'Grant' AND NOT EXISTS (SELECT 1 FROM mcp_auth.credentials AS connected
        WHERE connected.owner_subject = held.user_id)
    UNION ALL SELECT 'family that was ended', count(*)::int FROM mcp_auth.audit_events
      WHERE event IN ('code.reuse', 'token.reuse')`)
  const damaged = rows.filter(({ count }) => count > 0)
  return [
    ...damaged.map(({ damage, count }) => `${damage}: ${count}`),
    ...(await damagedCredentials(client, store)),
  ]
}
