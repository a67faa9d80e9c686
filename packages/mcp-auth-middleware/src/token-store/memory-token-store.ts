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
import type { Credential, CredentialKey, CredentialSetOptions, TokenStore } from './token-store.js'
import { createVersion } from './version.js'

interface StoredCredential {
  readonly namespace: string
  readonly key: CredentialKey
  readonly credential: Credential
}

/** The memory behind one or more stores. Opaque; made by {@link createMemoryStorage}. */
export interface MemoryStorage {
  readonly credentials: Map<string, StoredCredential>
  readonly leases: Map<string, { readonly expiresAt: number }>
}

/** Makes memory that several {@link memoryTokenStore} share, as replicas share a database. */
export function createMemoryStorage(): MemoryStorage {
  return { credentials: new Map(), leases: new Map() }
}

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
  stored: Credential | undefined,
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
  const { credentials, leases } = storage
  const record = createCredentialAudit(audit, { store: 'memory', namespace, now })
  let closed = false

  function requireOpen(): void {
    if (closed) throw new StoreUnavailableError('the memory store is closed')
  }

  // Provider and namespace cannot contain the separator, so the joined text stays injective.
  const idOf = (key: CredentialKey) => `${namespace}/${credentialKeyId(key)}`

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
    capabilities: Object.freeze({ write: true, compareAndSet: true, lease: true }),

    async get(rawKey, options) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      options?.signal?.throwIfAborted()
      return audited(key, 'read', () => {
        const value = credentials.get(idOf(key))?.credential
        return { value, found: value !== undefined, ...(value && { version: value.version }) }
      })
    },

    async set(rawKey, input, options) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      const updatedAt = Math.floor(now() / 1000)
      const value = createCredential(input, { version: createVersion(), updatedAt })
      return audited(key, 'write', () => {
        checkCondition(options, credentials.get(idOf(key))?.credential)
        credentials.set(idOf(key), { namespace, key, credential: value })
        return { value, found: true, version: value.version }
      })
    },

    async delete(rawKey, options) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      return audited(key, 'delete', () => {
        const stored = credentials.get(idOf(key))?.credential
        if (stored !== undefined) checkCondition(options, stored)
        const value = credentials.delete(idOf(key))
        return { value, found: value, ...(stored && { version: stored.version }) }
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

    async *keys(filter) {
      requireOpen()
      for (const stored of [...credentials.values()]) {
        if (stored.namespace !== namespace) continue
        if (filter?.provider !== undefined && stored.key.provider !== filter.provider) continue
        yield stored.key
      }
    },

    async check() {
      requireOpen()
    },

    async close() {
      closed = true
    },
  }
}
