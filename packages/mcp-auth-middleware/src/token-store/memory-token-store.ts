import * as z from 'zod/mini'
import { parseOptions } from '../configuration.js'
import {
  isAuthError,
  StoreConflictError,
  StoreInvalidError,
  StoreUnavailableError,
} from '../errors.js'
import { type AuditSink, type CredentialAuditEvent, createCredentialAudit } from './audit.js'
import { createCredential } from './credential.js'
import { credentialKeyId, isCredentialName, validateCredentialKey } from './credential-key.js'
import {
  createMemoryStorage,
  isTombstone,
  type MemoryRecord,
  type MemoryStorage,
  type MemoryWatcher,
  notifyWatchers,
} from './memory-storage.js'
import type {
  CredentialKey,
  CredentialKeyFilter,
  CredentialSetOptions,
  TokenStore,
} from './token-store.js'
import { createVersion } from './version.js'

export { createMemoryStorage, type MemoryStorage } from './memory-storage.js'

/** Options for {@link memoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /** Namespace of the credentials. Default `default`. */
  readonly namespace?: string | undefined
  /** Memory to use instead of its own. */
  readonly storage?: MemoryStorage | undefined
  /** Receives every access, never a value. */
  readonly audit?: AuditSink | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null
const isFunction = (value: unknown) => typeof value === 'function'

const Options = z.strictObject({
  namespace: z._default(
    z.custom<string>(isCredentialName, {
      error: 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
    }),
    'default',
  ),
  storage: z.optional(
    z.custom<MemoryStorage>(isObject, { error: 'must come from createMemoryStorage' }),
  ),
  audit: z.optional(z.custom<AuditSink>(isObject, { error: 'must be an AuditSink' })),
  now: z.optional(z.custom<() => number>(isFunction, { error: 'must be a function' })),
})

function checkCondition(
  options: CredentialSetOptions | undefined,
  stored: { readonly version: string } | undefined,
): void {
  if (options === undefined) return
  const ifVersion = 'ifVersion' in options ? options.ifVersion : undefined
  const ifAbsent = 'ifAbsent' in options && options.ifAbsent === true
  if (ifVersion !== undefined && ifAbsent) {
    throw new StoreInvalidError('ifVersion and ifAbsent exclude each other')
  }
  if (ifAbsent && stored !== undefined) throw new StoreConflictError('a credential is stored')
  if (ifVersion !== undefined && stored?.version !== ifVersion) {
    throw new StoreConflictError('another version is stored')
  }
}

/**
 * Creates a store that keeps credentials in this process and loses them when it ends, for tests and
 * for servers whose users connect again after a restart. It keeps the whole contract.
 *
 * @example
 * ```ts
 * const store = memoryTokenStore()
 * await store.set(
 *   { provider: 'coda', owner: { kind: 'service' } },
 *   { kind: 'api-key', secret: 'example' },
 * )
 * ```
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 */
export function memoryTokenStore(options: MemoryTokenStoreOptions = {}): TokenStore {
  const {
    namespace,
    storage = createMemoryStorage(),
    audit,
    now = Date.now,
  } = parseOptions('memoryTokenStore', Options, options)
  const { records, leases, watchers } = storage
  const record = createCredentialAudit(audit, { store: 'memory', namespace, now })
  const ownWatchers = new Set<MemoryWatcher>()
  let closed = false

  function requireOpen(): void {
    if (closed) throw new StoreUnavailableError('the memory store is closed')
  }

  // Provider and namespace cannot contain the separator, so the joined text stays injective.
  const idOf = (key: CredentialKey) => `${namespace}/${credentialKeyId(key)}`

  function put(key: CredentialKey, content: MemoryRecord['content'] | undefined): void {
    if (content === undefined) records.delete(idOf(key))
    else records.set(idOf(key), { namespace, key, content })
    notifyWatchers(watchers, namespace, key, ownWatchers)
  }

  function listKeys(wanted: 'credentials' | 'tombstones', filter: CredentialKeyFilter = {}) {
    requireOpen()
    const found = [...records.values()].filter(
      (record) =>
        record.namespace === namespace &&
        isTombstone(record.content) === (wanted === 'tombstones') &&
        (filter.provider === undefined || record.key.provider === filter.provider),
    )
    return found.map(({ key }) => key)
  }

  async function audited<Value>(
    key: CredentialKey,
    operation: CredentialAuditEvent['operation'],
    run: () => { readonly value: Value; readonly found: boolean; readonly version?: string },
  ): Promise<Value> {
    try {
      const { value, found, version } = run()
      await record(key, { operation, outcome: found ? 'done' : 'absent', version })
      return value
    } catch (error) {
      const reason = isAuthError(error) ? error.code : 'unknown'
      await record(key, { operation, outcome: 'failed', reason })
      throw error
    }
  }

  return {
    name: 'memory',
    capabilities: Object.freeze({ write: true, compareAndSet: true, lease: true, tombstone: true }),

    async get(rawKey, options) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      options?.signal?.throwIfAborted()
      return audited(key, 'read', () => {
        const stored = records.get(idOf(key))?.content
        const value = isTombstone(stored) ? undefined : stored
        return { value, found: value !== undefined, ...(value && { version: value.version }) }
      })
    },

    async set(rawKey, input, options) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      const updatedAt = Math.floor(now() / 1000)
      const value = createCredential(input, { version: createVersion(), updatedAt })
      return audited(key, 'write', () => {
        checkCondition(options, records.get(idOf(key))?.content)
        put(key, value)
        return { value, found: true, version: value.version }
      })
    },

    async delete(rawKey, options) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      return audited(key, 'delete', () => {
        const stored = records.get(idOf(key))?.content
        if (stored !== undefined) checkCondition({ ifVersion: options?.ifVersion }, stored)
        const deletedAt = Math.floor(now() / 1000)
        put(key, options?.tombstone ? { version: createVersion(), deletedAt } : undefined)
        const value = stored !== undefined && !isTombstone(stored)
        return { value, found: value, ...(value && { version: stored.version }) }
      })
    },

    async lease(rawKey, ttlSeconds) {
      requireOpen()
      const id = idOf(validateCredentialKey(rawKey))
      if (!(ttlSeconds > 0 && ttlSeconds <= 300)) {
        throw new StoreInvalidError('ttlSeconds must be more than 0 and at most 300')
      }
      const held = leases.get(id)
      const seconds = now() / 1000
      if (held !== undefined && held.expiresAt > seconds) return undefined

      const lease = { expiresAt: seconds + ttlSeconds }
      leases.set(id, lease)
      return {
        expiresAt: lease.expiresAt,
        async release() {
          if (leases.get(id) === lease) leases.delete(id)
        },
      }
    },

    async tombstone(rawKey) {
      requireOpen()
      const stored = records.get(idOf(validateCredentialKey(rawKey)))?.content
      return isTombstone(stored) ? stored : undefined
    },

    async *tombstones(filter) {
      yield* listKeys('tombstones', filter)
    },

    watch(onChange) {
      requireOpen()
      const watcher: MemoryWatcher = { namespace, onChange }
      watchers.add(watcher)
      ownWatchers.add(watcher)
      return () => {
        watchers.delete(watcher)
        ownWatchers.delete(watcher)
      }
    },

    async *keys(filter) {
      yield* listKeys('credentials', filter)
    },

    async check() {
      requireOpen()
    },

    async close() {
      closed = true
      for (const watcher of ownWatchers) watchers.delete(watcher)
      ownWatchers.clear()
    },
  }
}
