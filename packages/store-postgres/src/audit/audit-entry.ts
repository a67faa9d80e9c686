import type { CredentialAuditEvent } from '@bestviable/mcp-auth-middleware'
import type { Queryable, QueryOptions, Statement } from '../database/database.js'

/** Verified identity of whoever caused an event. */
export type AuditActor = NonNullable<CredentialAuditEvent['actor']>

/** One row to write to `audit_events`. Never holds a credential. */
export interface AuditEntry {
  /** What happened, for example `credential.read` or `key.rotate`. */
  readonly event: string
  readonly outcome: string
  /** Why, as a word of the source of the event: `ERR_…` codes of stores, reasons of the authorization server. */
  readonly reason?: string | undefined
  readonly store?: string | undefined
  readonly namespace?: string | undefined
  readonly provider?: string | undefined
  readonly owner?: 'service' | 'user' | undefined
  /** SHA-256 of the key of the record, base64url. */
  readonly keyDigest?: string | undefined
  readonly version?: string | undefined
  readonly actor?: AuditActor | undefined
  /** Counts and the like. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Epoch milliseconds. Default: the clock of the database when it is written. */
  readonly at?: number | undefined
}

// JSON rather than one array per column: drivers do not agree on NULL inside of arrays.
const insertEntries: Statement = {
  name: 'mcp_auth_audit_insert',
  text: `INSERT INTO {schema}.audit_events (at, event, outcome, reason, store, namespace, provider,
  owner_kind, key_digest, version, actor_issuer, actor_subject, actor_client_id, details)
SELECT coalesce(to_timestamp(entry.at / 1000), clock_timestamp()), entry.event, entry.outcome,
  entry.reason, entry.store, entry.namespace, entry.provider, entry.owner_kind,
  decode(entry.key_digest, 'hex'), entry.version, entry.actor_issuer, entry.actor_subject,
  entry.actor_client_id, entry.details
FROM jsonb_to_recordset($1::jsonb) AS entry(at float8, event text, outcome text, reason text,
  store text, namespace text, provider text, owner_kind text, key_digest text, version text,
  actor_issuer text, actor_subject text, actor_client_id text, details jsonb)`,
}

const TEXT_LENGTH = 2048
// Neither fits into `jsonb`. An event that cannot be written would block all behind it.
const NOT_STORABLE = /[\0\p{Cs}]/gu

function storable(text: string | undefined): string | undefined {
  return text?.slice(0, TEXT_LENGTH).replace(NOT_STORABLE, '\u{fffd}')
}

function toRow(entry: AuditEntry): Record<string, unknown> {
  const { keyDigest, actor, details } = entry
  return {
    at: Number.isFinite(entry.at) ? entry.at : undefined,
    event: storable(entry.event),
    outcome: storable(entry.outcome),
    reason: storable(entry.reason),
    store: storable(entry.store),
    namespace: storable(entry.namespace),
    provider: storable(entry.provider),
    owner_kind: storable(entry.owner),
    key_digest: keyDigest && Buffer.from(keyDigest, 'base64url').toString('hex'),
    version: storable(entry.version),
    actor_issuer: storable(actor?.issuer),
    actor_subject: storable(actor?.subject),
    actor_client_id: storable(actor?.clientId),
    details,
  }
}

/**
 * Writes audit events in one statement, inside a transaction when it is given one.
 *
 * @throws {@link StoreUnavailableError} when the database does not take them.
 */
export async function insertAuditEntries(
  database: Queryable,
  entries: readonly AuditEntry[],
  options: QueryOptions = { kind: 'write' },
): Promise<void> {
  if (entries.length === 0) return
  await database.query(insertEntries, [JSON.stringify(entries.map(toRow))], options)
}

/** Turns what an `AuditSink` receives into a row. */
export function credentialAuditEntry(event: CredentialAuditEvent): AuditEntry {
  const { operation, ...members } = event
  return { ...members, event: `credential.${operation}` }
}
