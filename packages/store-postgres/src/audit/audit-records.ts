import { bindStatement } from '../credentials/bound-statement.js'
import type { Queryable, SqlRow } from '../database/database.js'
import type { AuditActor } from './audit-entry.js'

/** One row of `audit_events`. Members that do not apply to the event are absent. */
export interface AuditRecord {
  /** Increases, but not in the order in which events become visible. */
  readonly id: string
  /** Epoch milliseconds. */
  readonly at: number
  /** For example `credential.read`, `credential.write`, `credential.delete`, `key.rotate`. */
  readonly event: string
  readonly outcome: string
  /** Why, as a word of the source of the event: `ERR_…` codes of stores, reasons of the authorization server. */
  readonly reason?: string
  readonly store?: string
  readonly namespace?: string
  readonly provider?: string
  readonly owner?: string
  /** SHA-256 of the key of the record, base64url. */
  readonly keyDigest?: string
  readonly version?: string
  readonly actor?: AuditActor
  readonly details?: Readonly<Record<string, unknown>>
}

/** Which events to read. All conditions that are given must hold. */
export interface AuditFilter {
  /** Name of the event, compared whole. */
  readonly event?: string | undefined
  /** Upstream of the credential, compared whole. */
  readonly provider?: string | undefined
  /** Whether the credential is of the service or of a user. */
  readonly owner?: 'service' | 'user' | undefined
  /** Subject of the caller, or the issuer too where subjects are not unique. */
  readonly actor?: string | { readonly issuer: string; readonly subject: string } | undefined
  /** Compared whole. */
  readonly outcome?: string | undefined
  /** Epoch milliseconds, included. */
  readonly since?: number | undefined
  /** Epoch milliseconds, not included. */
  readonly until?: number | undefined
}

/** Where a page begins, in which direction it goes and where it ends. */
export interface AuditPage {
  /** Last id that was read. */
  readonly after?: string | undefined
  readonly newestFirst?: boolean | undefined
  readonly limit: number
}

/** Whose events to read. */
export interface AuditScope {
  /** `undefined`: all. */
  readonly namespace: string | undefined
  /** Also those of no namespace. */
  readonly withoutNamespace: boolean
}

type FilterParameter =
  | 'namespace'
  | 'withoutNamespace'
  | 'event'
  | 'provider'
  | 'owner'
  | 'issuer'
  | 'subject'
  | 'outcome'
  | 'since'
  | 'until'

const COLUMNS = `id::text AS id, extract(epoch FROM at)::float8 * 1000 AS at, event, outcome, reason,
  store, namespace, provider, owner_kind, key_digest, version, actor_issuer, actor_subject,
  actor_client_id, details::text AS details`

// A condition that is not given is NULL. The type has to be said, since NULL has none.
const CONDITIONS = `({namespace}::text IS NULL OR namespace = {namespace}::text
    OR ({withoutNamespace}::boolean AND namespace IS NULL))
  AND ({event}::text IS NULL OR event = {event}::text)
  AND ({provider}::text IS NULL OR provider = {provider}::text)
  AND ({owner}::text IS NULL OR owner_kind = {owner}::text)
  AND ({issuer}::text IS NULL OR actor_issuer = {issuer}::text)
  AND ({subject}::text IS NULL OR actor_subject = {subject}::text)
  AND ({outcome}::text IS NULL OR outcome = {outcome}::text)
  AND ({since}::float8 IS NULL OR at >= to_timestamp({since}::float8 / 1000))
  AND ({until}::float8 IS NULL OR at < to_timestamp({until}::float8 / 1000))`

const oldestFirst = bindStatement<FilterParameter | 'after' | 'limit'>(
  'mcp_auth_audit_oldest',
  `SELECT ${COLUMNS} FROM {schema}.audit_events
WHERE id > {after}::bigint AND ${CONDITIONS} ORDER BY audit_events.id LIMIT {limit}::int`,
)

const newestFirst = bindStatement<FilterParameter | 'after' | 'limit'>(
  'mcp_auth_audit_newest',
  `SELECT ${COLUMNS} FROM {schema}.audit_events
WHERE id < {after}::bigint AND ${CONDITIONS} ORDER BY audit_events.id DESC LIMIT {limit}::int`,
)

const LOWEST_ID = '0'
const HIGHEST_ID = '9223372036854775807'

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function parseRow(row: SqlRow): AuditRecord {
  const { key_digest: digest, details } = row
  const [issuer, subject] = [text(row.actor_issuer), text(row.actor_subject)]
  const clientId = text(row.actor_client_id)
  const members = {
    reason: text(row.reason),
    store: text(row.store),
    namespace: text(row.namespace),
    provider: text(row.provider),
    owner: text(row.owner_kind),
    keyDigest: digest instanceof Uint8Array ? Buffer.from(digest).toString('base64url') : undefined,
    version: text(row.version),
    actor:
      issuer === undefined || subject === undefined ? undefined : { issuer, subject, clientId },
    details: typeof details === 'string' ? JSON.parse(details) : undefined,
  }
  const present = Object.entries(members).filter(([, value]) => value !== undefined)
  return {
    id: String(row.id),
    at: Math.round(Number(row.at)),
    event: String(row.event),
    outcome: String(row.outcome),
    ...Object.fromEntries(present),
  }
}

/** Reads one page of the audit trail. */
export async function readAuditRecords(
  database: Queryable,
  { namespace, withoutNamespace }: AuditScope,
  filter: AuditFilter,
  page: AuditPage,
  signal?: AbortSignal,
): Promise<readonly AuditRecord[]> {
  const actor = typeof filter.actor === 'string' ? { subject: filter.actor } : filter.actor
  const { statement, values } = page.newestFirst ? newestFirst : oldestFirst
  const parameters = values({
    namespace: namespace ?? null,
    withoutNamespace,
    event: filter.event ?? null,
    provider: filter.provider ?? null,
    owner: filter.owner ?? null,
    issuer: actor !== undefined && 'issuer' in actor ? actor.issuer : null,
    subject: actor?.subject ?? null,
    outcome: filter.outcome ?? null,
    since: filter.since ?? null,
    until: filter.until ?? null,
    after: page.after ?? (page.newestFirst ? HIGHEST_ID : LOWEST_ID),
    limit: page.limit,
  })
  const rows = await database.query(statement, parameters, { kind: 'maintenance', signal })
  return rows.map(parseRow)
}
