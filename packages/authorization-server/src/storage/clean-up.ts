import { StoreInvalidError } from '@bestviable/mcp-auth-middleware'
import {
  createAuditTrail,
  type SqlValue,
  type Statement,
} from '@bestviable/mcp-auth-store-postgres'
import { lacksPrivilege } from './lacks-privilege.js'
import type { StorageSession } from './session.js'
import type { CleanUpCounts, CleanUpPeriods } from './storage.js'

// Few enough that no lock lasts long.
const BATCH = 1000
const DAY_SECONDS = 86_400

// A clock of this process that is far ahead must not end what the database knows to be live, nor one of
// the database what this process does: both have to say so. `now()` lets the indexes be used.
const OVER = 'LEAST(to_timestamp($1::float8), now())'

function removing(name: string, text: string): Statement {
  return {
    name: `mcp_auth_as_clean_${name}`,
    text: `WITH removed AS (${text} RETURNING 1) SELECT count(*) AS removed FROM removed`,
  }
}

const removeTokens = removing(
  'tokens',
  `DELETE FROM {schema}.oauth_tokens WHERE (token_type, token_id) IN (
    SELECT token_type, token_id FROM {schema}.oauth_tokens
    WHERE expires_at <= ${OVER}
    ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
)

const removeClients = removing(
  'clients',
  `DELETE FROM {schema}.oauth_clients WHERE client_id IN (
    SELECT client_id FROM {schema}.oauth_clients AS unused
    WHERE origin = 'dynamic'
      AND COALESCE(last_used_at, created_at) < ${OVER} - make_interval(secs => $2::float8)
      AND NOT EXISTS (
        SELECT 1 FROM {schema}.oauth_tokens AS held
        WHERE held.client_id = unused.client_id
          AND (held.expires_at IS NULL OR held.expires_at > ${OVER}))
    ORDER BY COALESCE(last_used_at, created_at) LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
)

const removeRevocations = removing(
  'revocations',
  `DELETE FROM {schema}.revocations WHERE (kind, revoked_id) IN (
    SELECT kind, revoked_id FROM {schema}.revocations
    WHERE expires_at <= ${OVER}
    ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
)

// By the clock of the database, as they were made.
const removeRateLimits = removing(
  'rate_limits',
  `DELETE FROM {schema}.rate_limits WHERE limit_key IN (
    SELECT limit_key FROM {schema}.rate_limits
    WHERE expires_at <= clock_timestamp()
    ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
)

/** Removes old events of all stores of the schema. `undefined` where the role may not, as it need not. */
async function removeAuditEvents(
  { database, now }: StorageSession,
  retentionDays: number,
): Promise<number | undefined> {
  try {
    return await createAuditTrail(database, { retentionDays, now }).prune()
  } catch (error) {
    if (lacksPrivilege(error)) return undefined
    throw error
  }
}

/**
 * Removes what has expired, dynamic clients that were not used for so many days and hold nothing that is
 * still valid, and old audit events, each by the clocks of this process and of the database. Works in
 * batches; what another process removes meanwhile is left to it.
 */
export async function cleanUp(
  session: StorageSession,
  { unusedClientDays, auditRetentionDays }: CleanUpPeriods,
): Promise<CleanUpCounts> {
  if (!(Number.isFinite(unusedClientDays) && unusedClientDays >= 1)) {
    throw new StoreInvalidError('unusedClientDays must be at least 1')
  }
  const now = session.now() / 1000

  async function removeAll(statement: Statement, values: readonly SqlValue[]): Promise<number> {
    for (let total = 0; ; ) {
      const [row] = await session.write(statement, values)
      const removed = Number(row?.removed)
      total += removed
      if (!(removed >= BATCH)) return total
    }
  }

  const tokens = await removeAll(removeTokens, [now])
  const clients = await removeAll(removeClients, [now, unusedClientDays * DAY_SECONDS])
  const revocations = await removeAll(removeRevocations, [now])
  await removeAll(removeRateLimits, [])
  const auditEvents =
    auditRetentionDays === false ? 0 : await removeAuditEvents(session, auditRetentionDays)
  return { tokens, clients, revocations, auditEvents }
}
