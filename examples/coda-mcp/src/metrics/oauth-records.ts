import type { Database, Statement } from '@bestviable/mcp-auth-store-postgres'
import type { GaugeReader } from './metrics.js'

// A code stays in the table for an hour after its end, so that its reuse is recognised.
const countRecords: Statement = {
  name: 'coda_mcp_count_records',
  text: `SELECT
  (SELECT count(*) FROM {schema}.oauth_clients WHERE active) AS clients,
  count(*) FILTER (WHERE token_type = 'AuthorizationCode'
    AND consumed_at IS NULL AND expires_at > clock_timestamp() + interval '1 hour') AS codes,
  count(*) FILTER (WHERE token_type = 'Grant') AS grants,
  count(*) FILTER (WHERE token_type = 'Session') AS sessions
FROM {schema}.oauth_tokens
WHERE token_type IN ('AuthorizationCode', 'Grant', 'Session')
  AND (expires_at IS NULL OR expires_at > clock_timestamp())`,
}
const kinds = ['codes', 'grants', 'clients', 'sessions'] as const
const maxAgeMilliseconds = 30_000

/**
 * Reads how much the embedded authorization server holds, for the gauge `oauth_records`: one statement
 * every 30 seconds at most, however often somebody scrapes. While the database does not answer there is
 * no sample.
 */
export function createRecordReader(
  database: Pick<Database, 'query'>,
  now: () => number = () => performance.now(),
): GaugeReader<'oauth_records'> {
  let last:
    | { readonly at: number; readonly counts: Promise<ReadonlyMap<string, number>> }
    | undefined

  async function read(): Promise<ReadonlyMap<string, number>> {
    const [row] = await database.query(countRecords)
    return new Map(kinds.map((kind) => [kind, Number(row?.[kind])]))
  }

  return async (set) => {
    if (last === undefined || now() - last.at >= maxAgeMilliseconds) {
      last = { at: now(), counts: read() }
    }
    for (const [kind, count] of await last.counts) set({ kind }, count)
  }
}
