import type { AuditSink, CredentialAuditEvent } from '@bestviable/mcp-auth-middleware'
import { bindStatement } from '../credentials/bound-statement.js'
import type { Database, Statement } from '../database/database.js'
import { credentialAuditEntry } from './audit-entry.js'
import {
  parseExportOptions,
  parseFollowOptions,
  parseListOptions,
  parseTrailOptions,
} from './audit-options.js'
import { createAuditQueue } from './audit-queue.js'
import { type AuditFilter, type AuditRecord, readAuditRecords } from './audit-records.js'
import { followAudit } from './follow-audit.js'
import type { AuditReads } from './read-audit.js'
import { createReadSampler } from './read-sampler.js'

/** Options for {@link createAuditTrail}. */
export interface AuditTrailOptions {
  /** Only events of this namespace. Default all of the schema. */
  readonly namespace?: string | undefined
  /**
   * Beside those of `namespace` also events of none, such as those of an authorization server. `prune`
   * leaves them. Default false.
   */
  readonly withoutNamespace?: boolean | undefined
  /** Days after which `prune` removes an event, 1 to 36,500. Default 90. */
  readonly retentionDays?: number | undefined
  /** Which reads `sink` writes: the first per minute of one actor and key (default), all or none. */
  readonly reads?: AuditReads | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Options for {@link AuditTrail.list}. */
export interface AuditListOptions extends AuditFilter {
  /** Id of the last event of the page before. */
  readonly after?: string | undefined
  /** 1 to 10,000. Default 100. */
  readonly limit?: number | undefined
  /** Default false: the oldest first. */
  readonly newestFirst?: boolean | undefined
}

/** Options for {@link AuditTrail.follow}. */
export interface AuditFollowOptions extends AuditFilter {
  /** Begins behind this id. Default: with the events that are written from now on. */
  readonly after?: string | undefined
  /** Ends the iteration, which then returns. */
  readonly signal?: AbortSignal | undefined
}

/** The table `audit_events`. Every method rejects with `StoreUnavailableError` when the database does not answer. */
export interface AuditTrail {
  /** Reads one page. */
  list(options?: AuditListOptions): Promise<readonly AuditRecord[]>
  /**
   * Yields new events within about half a second, each once, in the order in which they become visible.
   * Events of a transaction of more than 5 seconds, such as an import, may be left out.
   */
  follow(options?: AuditFollowOptions): AsyncIterable<AuditRecord>
  /** Yields every event, the oldest first, and holds one page of them at a time. */
  export(filter?: AuditFilter): AsyncIterable<AuditRecord>
  /** Removes the events that are older than `retentionDays` and tells how many. */
  prune(): Promise<number>
  /**
   * Lets any other store, such as one over environment variables, write to this table. Events are
   * written in the background, up to 250 ms later, and dropped when the database does not take them.
   */
  readonly sink: AuditSink
  /** Writes what `sink` was given. Leaves the database open. Idempotent. */
  close(): Promise<void>
}

const PAGE = 500
const PRUNE_BATCH = 1000
const DAY_SECONDS = 86_400

const readLastId: Statement = {
  name: 'mcp_auth_audit_last',
  text: 'SELECT coalesce(max(id), 0)::text AS id FROM {schema}.audit_events',
}

// In batches, so that no lock and no transaction lasts long.
// By the clocks of this process and of the database: one that is far ahead removes nothing alone.
const pruneBatch = bindStatement<'now' | 'age' | 'namespace' | 'limit'>(
  'mcp_auth_audit_prune',
  `WITH pruned AS (
  DELETE FROM {schema}.audit_events WHERE id IN (
    SELECT id FROM {schema}.audit_events
    WHERE at < LEAST(to_timestamp({now}::float8 / 1000), now()) - make_interval(secs => {age}::float8)
      AND ({namespace}::text IS NULL OR namespace = {namespace}::text)
    ORDER BY at LIMIT {limit}::int)
  RETURNING 1)
SELECT count(*) AS events FROM pruned`,
)

function createSink(database: Database, reads: AuditReads, now: () => number) {
  const queue = createAuditQueue(database)
  const sampler = createReadSampler(now)

  async function add(event: CredentialAuditEvent): Promise<void> {
    queue.add(credentialAuditEntry(event))
  }

  const sink: AuditSink = {
    record(event) {
      if (event.operation !== 'read' || reads === 'all') return add(event)
      if (reads === 'off') return
      const { store, namespace, keyDigest, outcome, reason, actor } = event
      const parts = [store, namespace, keyDigest, outcome, reason]
      const identity = JSON.stringify([...parts, actor?.issuer, actor?.subject, actor?.clientId])
      return sampler.once(identity, () => add(event))
    },
  }
  return { sink: Object.freeze(sink), close: () => queue.close() }
}

/**
 * Opens the audit trail of a database: who read, wrote or deleted which credential, and key rotations.
 * It never holds a credential.
 *
 * Events of a `postgresTokenStore` are written by that store: writes and deletes in the transaction of
 * the change itself. `sink` is for other stores.
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 */
export function createAuditTrail(database: Database, options: AuditTrailOptions = {}): AuditTrail {
  const { namespace, withoutNamespace, retentionDays, reads, now } = parseTrailOptions(options)
  const scope = { namespace, withoutNamespace }
  const { sink, close } = createSink(database, reads, now)

  async function* readAll(filter: AuditFilter): AsyncGenerator<AuditRecord> {
    let after: string | undefined
    for (;;) {
      const records = await readAuditRecords(database, scope, filter, { after, limit: PAGE })
      yield* records
      after = records.at(-1)?.id
      if (records.length < PAGE) return
    }
  }

  return Object.freeze({
    async list(listOptions = {}) {
      const { after, limit, newestFirst, ...filter } = parseListOptions(listOptions)
      return readAuditRecords(database, scope, filter, { after, limit, newestFirst })
    },
    follow(followOptions = {}) {
      const { after, signal, ...filter } = parseFollowOptions(followOptions)
      return followAudit({
        after,
        signal,
        now: () => performance.now(),
        read: (id, limit) => readAuditRecords(database, scope, filter, { after: id, limit }),
        async readLast() {
          const [row] = await database.query(readLastId, [])
          return String(row?.id)
        },
      })
    },
    export: (filter = {}) => readAll(parseExportOptions(filter)),
    async prune() {
      const scope = { namespace: namespace ?? null, limit: PRUNE_BATCH }
      const parameters = { now: now(), age: retentionDays * DAY_SECONDS, ...scope }
      const values = pruneBatch.values(parameters)
      let pruned = 0
      for (;;) {
        const [row] = await database.query(pruneBatch.statement, values, { kind: 'maintenance' })
        const events = Number(row?.events)
        pruned += events
        if (events < PRUNE_BATCH) return pruned
      }
    },
    sink,
    close,
  } satisfies AuditTrail)
}
