import {
  type CredentialAuditDetails,
  type CredentialKey,
  StoreUnavailableError,
} from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { digestKey } from '../credentials/key-digest.js'
import type { Queryable } from '../database/database.js'
import { type AuditEntry, credentialAuditEntry, insertAuditEntries } from './audit-entry.js'
import { createAuditQueue } from './audit-queue.js'
import { functionSchema, Name, parseOptions } from './parse-options.js'
import { createReadSampler } from './read-sampler.js'

/** Which reads are written: the first per minute of one actor and key, every one, or none. */
export type AuditReads = 'first-per-minute' | 'all' | 'off'

/** Options for {@link createReadAudit}. */
export interface ReadAuditOptions {
  /** Namespace of the store, named in the events. */
  readonly namespace: string
  /** Default `first-per-minute`. */
  readonly mode?: AuditReads | undefined
  /**
   * `ignore` (the default): events are written in the background and dropped when the database does
   * not take them. `refuse`: a read waits for its event, and fails when it cannot be written.
   */
  readonly failure?: 'ignore' | 'refuse' | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Writes reads of credentials to `audit_events`. */
export interface ReadAudit {
  /**
   * Records one read, unless an equal one was recorded within the last minute. Resolves at once with
   * `failure: 'ignore'`. `keyDigest` spares the digest of the key where it is
   * known.
   *
   * @throws {@link StoreUnavailableError} with `failure: 'refuse'`, when the event could not be written.
   */
  record(key: CredentialKey, details: CredentialAuditDetails, keyDigest?: string): Promise<void>
  /** Writes what is waiting. Idempotent. */
  close(): Promise<void>
}

const Options = z.strictObject({
  namespace: Name,
  mode: z._default(
    z.enum(['first-per-minute', 'all', 'off'], {
      error: 'must be "first-per-minute", "all" or "off"',
    }),
    'first-per-minute',
  ),
  failure: z._default(
    z.enum(['ignore', 'refuse'], { error: 'must be "ignore" or "refuse"' }),
    'ignore',
  ),
  now: z._default(functionSchema<() => number>(), () => Date.now),
})

// A read waits for this beside its own deadline.
const REFUSE_MILLISECONDS = 2000

/** Writes what comes in one turn of the event loop in one statement. */
function createWaitingWriter(database: Queryable): (entry: AuditEntry) => Promise<void> {
  let next: { readonly entries: AuditEntry[]; readonly written: Promise<void> } | undefined

  return (entry) => {
    if (next !== undefined) {
      next.entries.push(entry)
      return next.written
    }
    const entries = [entry]
    const written = new Promise((resolve) => setImmediate(resolve)).then(() => {
      next = undefined
      const timeoutMilliseconds = REFUSE_MILLISECONDS
      return insertAuditEntries(database, entries, { kind: 'write', timeoutMilliseconds })
    })
    next = { entries, written }
    return written
  }
}

function identityOf(keyDigest: string, details: CredentialAuditDetails): string {
  const { outcome, reason, actor } = details
  // By far the most frequent one, and the one text here that need not be made.
  if (outcome === 'done' && actor === undefined) return keyDigest
  // The outcome too: a read that fails is news, also right after one that did not.
  const parts = [keyDigest, outcome, reason, actor?.issuer, actor?.subject, actor?.clientId]
  return JSON.stringify(parts)
}

/**
 * Creates what a store tells about its reads.
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 */
export function createReadAudit(database: Queryable, options: ReadAuditOptions): ReadAudit {
  const { namespace, mode, failure, now } = parseOptions('createReadAudit', Options, options)
  const sampler = mode === 'first-per-minute' ? createReadSampler(now) : undefined
  const queue = failure === 'ignore' ? createAuditQueue(database) : undefined
  const writeAndWait = createWaitingWriter(database)
  let closed = false

  function write(
    key: CredentialKey,
    details: CredentialAuditDetails,
    keyDigest: string,
  ): Promise<void> {
    const { provider, owner } = key
    const origin = { store: 'postgres', namespace, provider, owner: owner.kind, at: now() }
    const entry = credentialAuditEntry({ ...details, ...origin, keyDigest })
    if (queue === undefined) return writeAndWait(entry)
    queue.add(entry)
    return Promise.resolve()
  }

  return Object.freeze({
    record(key, details, keyDigest = digestKey(key)) {
      if (mode === 'off') return Promise.resolve()
      // The queue takes nothing any more; only who has to wait for the event is told.
      if (closed && failure === 'refuse') {
        return Promise.reject(new StoreUnavailableError('the store was closed'))
      }
      if (sampler === undefined) return write(key, details, keyDigest)
      const identity = identityOf(keyDigest, details)
      return sampler.once(identity, () => write(key, details, keyDigest))
    },
    async close() {
      closed = true
      await queue?.close()
    },
  } satisfies ReadAudit)
}
