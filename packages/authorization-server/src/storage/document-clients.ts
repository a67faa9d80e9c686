import type { SqlRow } from '@bestviable/mcp-auth-store-postgres'
import type { AdapterPayload } from 'oidc-provider'
import { parseRecord } from './record-json.js'
import { openJson } from './sealed-json.js'
import type { StorageSession } from './session.js'

/**
 * Selects the clients that are known by their metadata document: those that a grant names and that have
 * no row. The columns are those of a row, with the sealed facts of the newest grant in place of metadata.
 * `$2` length, `$3` epoch seconds.
 */
export function documentClients(condition: string): string {
  return `SELECT facts.version::text, facts.key_id, facts.wrapped_key, facts.payload, named.client_id,
      NULL::text, '[]'::text, '[]'::text, 'document'::text, true,
      floor(extract(epoch FROM named.created_at))::float8,
      floor(extract(epoch FROM (SELECT max(issued.created_at) FROM {schema}.oauth_tokens AS issued
        WHERE issued.client_id = named.client_id
          AND issued.token_type IN ('AccessToken', 'RefreshToken'))))::float8,
      facts.token_id
    FROM (
      SELECT granted.client_id, min(granted.created_at) AS created_at,
        (array_agg(granted.token_id ORDER BY granted.created_at DESC))[1] AS newest
      FROM {schema}.oauth_tokens AS granted
      WHERE granted.token_type = 'Grant' AND granted.client_id LIKE 'https://%' AND ${condition}
        AND (granted.expires_at IS NULL OR granted.expires_at > to_timestamp($3::float8))
        AND NOT EXISTS (SELECT 1 FROM {schema}.oauth_clients AS stored
          WHERE stored.client_id = granted.client_id)
      GROUP BY granted.client_id ORDER BY granted.client_id LIMIT $2::int
    ) AS named
    LEFT JOIN {schema}.oauth_tokens AS facts
      ON facts.token_type = 'ConsentFacts' AND facts.token_id = named.newest`
}

function hostOf(clientId: string): string {
  return URL.canParse(clientId) ? new URL(clientId).host : clientId
}

/** What is known of the metadata of such a client: the name that was approved, or else its host. */
export async function openDocumentClient(
  { codec }: StorageSession,
  row: SqlRow,
): Promise<Pick<AdapterPayload, 'client_name' | 'token_endpoint_auth_method'>> {
  const clientId = String(row.client_id)
  // The document says how it authenticates; what stands here is what most of them say.
  const known = { client_name: hostOf(clientId), token_endpoint_auth_method: 'none' } as const
  const { facts_of: idDigest } = row
  if (!(idDigest instanceof Uint8Array)) return known
  const version = String(row.version)
  const place = { table: 'oauth_tokens', kind: 'ConsentFacts', idDigest, version } as const
  const id = Buffer.from(idDigest).toString('hex')
  const { facts } = parseRecord(await openJson(codec, place, row), id, version)
  const name: unknown =
    typeof facts === 'object' && facts !== null ? Reflect.get(facts, 'clientName') : undefined
  return typeof name === 'string' ? { ...known, client_name: name } : known
}
