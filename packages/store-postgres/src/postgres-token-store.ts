import {
  type CredentialAuditDetails,
  type CredentialKey,
  type CredentialKeyFilter,
  createCredentialAudit,
  isAuthError,
  StoreUnavailableError,
  type TokenStore,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import { createReadAudit } from './audit/read-audit.js'
import { subscribeToChanges } from './credentials/change-feed.js'
import { checkRecords } from './credentials/check-records.js'
import { listKeys } from './credentials/credential-keys.js'
import { leaseCredential } from './credentials/credential-lease.js'
import { readCredential, readTombstone } from './credentials/credential-reader.js'
import type { CredentialTable } from './credentials/credential-table.js'
import { createCredentialWriter } from './credentials/credential-writer.js'
import { createDatabaseClock } from './credentials/database-clock.js'
import { createKeyDigests, type DigestedKey } from './credentials/key-digest.js'
import { parseWriteCondition } from './credentials/write-condition.js'
import { createDatabase } from './database/create-database.js'
import type { Database } from './database/database.js'
import { waitAtMost } from './database/wait-at-most.js'
import { registerKeys } from './keys/register-keys.js'
import { type PostgresTokenStoreOptions, parseStoreOptions } from './options.js'

/** A {@link TokenStore} on PostgreSQL or PGlite. Made by {@link postgresTokenStore}. */
export interface PostgresTokenStore extends TokenStore {
  /** The database, for what else lives in it. */
  readonly database: Database
  lease: NonNullable<TokenStore['lease']>
  tombstone: NonNullable<TokenStore['tombstone']>
  tombstones: NonNullable<TokenStore['tombstones']>
  watch: NonNullable<TokenStore['watch']>
}

function reasonOf(error: unknown): string {
  return isAuthError(error) ? error.code : 'unknown'
}

const ignore = () => undefined

const READ_MILLISECONDS = 2000
const WRITE_MILLISECONDS = 5000

/** Outcome of one write or delete, for the caller and for the audit sink. */
interface Audited<Value> {
  readonly value: Value
  readonly found: boolean
  readonly version: string | undefined
}

/**
 * Creates a store that keeps credentials in PostgreSQL or PGlite, encrypted in this process.
 *
 * Every credential is sealed under a data key of its own (AES-256-GCM), bound to its namespace,
 * provider, owner and version; the database never sees a key or a value. Provider, owner, version and
 * times are plain columns. It connects with the first call. Reads and writes are one statement each;
 * conditions are decided by the database, and every write inserts its row of `audit_events` in the same
 * transaction. A write whose answer was lost rejects with {@link StoreUnavailableError} and may have
 * been made; it is never repeated, and cannot take effect later than 5 seconds after its start.
 *
 * Not detected: the restore of a whole older row, with the version that it had.
 *
 * @example
 * ```ts
 * const store = postgresTokenStore({
 *   connectionString: process.env.DATABASE_URL,
 *   encryptionKeys: process.env.MCP_AUTH_ENCRYPTION_KEYS,
 * })
 * ```
 *
 * @throws {@link ConfigurationError} at once, listing every bad option. The first call, and every other
 *   one until it is mended, rejects with one when the database holds records under other keys.
 */
export function postgresTokenStore(options: PostgresTokenStoreOptions): PostgresTokenStore {
  const { codec, namespace, audit, auditReads, auditFailure, now, ...parsed } =
    parseStoreOptions(options)
  const database = parsed.database ?? createDatabase(parsed.databaseOptions)
  const table: CredentialTable = { database, namespace, codec, now }
  const digestOf = createKeyDigests()
  const clock = createDatabaseClock(database)
  const writer = createCredentialWriter(table, clock)
  const tellSink = createCredentialAudit(audit, { store: 'postgres', namespace, now })
  const readAudit = createReadAudit(database, {
    namespace,
    mode: auditReads,
    failure: auditFailure,
    now,
  })
  const refusesUnaudited = auditFailure === 'refuse'
  const subscriptions = new Set<() => void>()
  let isReady = false
  let preparing: Promise<void> | undefined
  let closing: Promise<void> | undefined

  function requireOpen(): void {
    if (closing !== undefined) throw new StoreUnavailableError('the postgres store is closed')
  }

  async function prepareOnce(): Promise<void> {
    // Separately, since it has a deadline that a first start of an embedded database needs.
    await database.ready()
    await registerKeys(database, codec)
    await clock.read()
    isReady = true
  }

  /** Checks the keys before anything is read or written, once, and again after it failed. */
  function prepare(): Promise<void> {
    preparing ??= prepareOnce().finally(() => {
      preparing = undefined
    })
    return preparing
  }

  async function end(): Promise<void> {
    for (const unsubscribe of subscriptions) unsubscribe()
    subscriptions.clear()
    await readAudit.close()
    // A database that was passed in belongs to whoever made it.
    if (parsed.database === undefined) await database.close()
  }

  /** Waits for the first use to be prepared; resolves with what is left of the milliseconds. */
  async function untilReady(milliseconds: number, signal?: AbortSignal): Promise<number> {
    const startedAt = performance.now()
    await waitAtMost(prepare(), milliseconds, signal)
    return Math.max(1, milliseconds - (performance.now() - startedAt))
  }

  /** Records a read; resolves at once, or `undefined`, where nobody has to wait for it. */
  function recordRead(
    { key, text }: DigestedKey,
    details: CredentialAuditDetails,
  ): Promise<unknown> | undefined {
    const told = audit === undefined ? undefined : tellSink(key, details)
    const recorded = readAudit.record(key, details, text)
    // A read that failed anyway must not wait for a database that may be down.
    if (refusesUnaudited && details.outcome !== 'failed') return Promise.all([recorded, told])
    if (refusesUnaudited) recorded.catch(ignore)
    return told
  }

  async function audited<Value>(
    key: CredentialKey,
    operation: 'write' | 'delete',
    run: (startedAt: number) => Promise<Audited<Value>>,
  ): Promise<Value> {
    const startedAt = performance.now()
    try {
      if (!isReady) await untilReady(WRITE_MILLISECONDS)
      const { value, found, version } = await run(startedAt)
      await tellSink(key, { operation, outcome: found ? 'done' : 'absent', version })
      return value
    } catch (error) {
      await tellSink(key, { operation, outcome: 'failed', reason: reasonOf(error) })
      throw error
    }
  }

  async function* list(wanted: 'credentials' | 'tombstones', filter: CredentialKeyFilter = {}) {
    requireOpen()
    if (!isReady) await untilReady(READ_MILLISECONDS)
    yield* listKeys(table, wanted, filter, requireOpen)
  }

  return Object.freeze({
    name: 'postgres',
    capabilities: Object.freeze({ write: true, compareAndSet: true, lease: true, tombstone: true }),
    database,

    async get(rawKey, getOptions) {
      requireOpen()
      const key = digestOf(rawKey)
      const signal = getOptions?.signal
      signal?.throwIfAborted()
      try {
        const milliseconds = isReady ? undefined : await untilReady(READ_MILLISECONDS, signal)
        const credential = await readCredential(table, key, signal, milliseconds)
        const outcome = credential === undefined ? 'absent' : 'done'
        const recording = recordRead(key, {
          operation: 'read',
          outcome,
          version: credential?.version,
        })
        if (recording !== undefined) await recording
        return credential
      } catch (error) {
        await recordRead(key, { operation: 'read', outcome: 'failed', reason: reasonOf(error) })
        throw error
      }
    },

    async set(rawKey, input, setOptions) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      const condition = parseWriteCondition(setOptions)
      return audited(key, 'write', async (startedAt) => {
        const value = await writer.set(key, input, condition, startedAt)
        return { value, found: true, version: value.version }
      })
    },

    async delete(rawKey, deleteOptions = {}) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      return audited(key, 'delete', async (startedAt) => {
        const { found, version } = await writer.delete(key, deleteOptions, startedAt)
        return { value: found, found, version }
      })
    },

    async lease(rawKey, ttlSeconds) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      if (!isReady) await untilReady(WRITE_MILLISECONDS)
      return leaseCredential(table, key, ttlSeconds)
    },

    async tombstone(rawKey) {
      requireOpen()
      const key = digestOf(rawKey)
      if (!isReady) await untilReady(READ_MILLISECONDS)
      return readTombstone(table, key)
    },

    tombstones: (filter) => list('tombstones', filter),
    keys: (filter) => list('credentials', filter),

    watch(onChange) {
      requireOpen()
      const unsubscribe = subscribeToChanges(database, namespace, onChange)
      subscriptions.add(unsubscribe)
      return () => {
        unsubscribe()
        subscriptions.delete(unsubscribe)
      }
    },

    async check() {
      requireOpen()
      // Not only when it is first used: keys and tables may have been exchanged since.
      if (isReady) await registerKeys(database, codec)
      else await prepare()
      await checkRecords(table)
    },

    close() {
      closing ??= end()
      return closing
    },
  } satisfies PostgresTokenStore)
}
