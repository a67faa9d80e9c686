import {
  type CredentialAuditEvent,
  type CredentialDeleteOptions,
  type CredentialGetOptions,
  type CredentialKey,
  type CredentialSetOptions,
  createCredentialAudit,
  createVersion,
  isAuthError,
  StoreInvalidError,
  StoreUnavailableError,
  StoreUnsupportedError,
  type TokenStore,
  validateCredentialInput,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import { createCallGate } from './call-gate.js'
import { createEmitter } from './events.js'
import type { CallLimits, SecretRecord } from './infisical-api.js'
import { createInfisicalApi } from './infisical-client.js'
import { createKeyLocks } from './key-locks.js'
import { type InfisicalTokenStoreOptions, parseOptions } from './options.js'
import { formatOwnerComment } from './owner-comment.js'
import { formatTombstone, isTombstone } from './readable-values.js'
import { createSdkLoader } from './sdk-loader.js'
import { createSecretCache } from './secret-cache.js'
import { secretNameOf } from './secret-names.js'
import { createSession } from './session.js'
import { listStoredKeys } from './stored-keys.js'
import { createStoredValues, hiddenValueError } from './stored-values.js'
import { createSecretOnce, putSecret } from './write-secret.js'

/** A {@link TokenStore} on Infisical. */
export interface InfisicalTokenStore extends TokenStore {
  /** Lists the folder now, so that the next reads see what was changed elsewhere. */
  refresh(): Promise<void>
}

function refuseVersion(): StoreUnsupportedError {
  return new StoreUnsupportedError('Infisical cannot decide "ifVersion": the last writer wins')
}

/** Tells whether a write is to create only, and refuses the condition that Infisical cannot decide. */
function isCreateOnly(options: CredentialSetOptions | undefined): boolean {
  const ifVersion = options !== undefined && 'ifVersion' in options ? options.ifVersion : undefined
  const ifAbsent = options !== undefined && 'ifAbsent' in options && options.ifAbsent === true
  if (ifVersion !== undefined && ifAbsent) {
    throw new StoreInvalidError('ifVersion and ifAbsent exclude each other')
  }
  if (ifVersion !== undefined) throw refuseVersion()
  return ifAbsent
}

/**
 * Creates a store that keeps credentials in a folder of Infisical, through `@infisical/sdk`.
 *
 * A plain API key is stored as it is, under a name such as `CODA_API_TOKEN`, so that people and other
 * services can use it; anything else is one line of text that starts with `mcpauth:`. With `seal`, every
 * value is encrypted before it leaves the process. See {@link infisicalSecretFor} for the names.
 *
 * One listing of the folder serves all reads for `listTtlSeconds`. Every operation ends at its deadline,
 * although the SDK goes on for up to a minute and cannot be stopped: calls are held back after failures,
 * and a write that ran into its deadline keeps its credential locked in this process until the SDK is
 * done, so that it never overwrites a newer value. The lock does not reach other processes.
 *
 * `ifAbsent` works, `ifVersion` and leases do not: the last writer wins.
 *
 * @example
 * ```ts
 * const store = infisicalTokenStore({
 *   projectId: 'a7a5f3f0-0000-4000-8000-000000000000',
 *   environment: 'prod',
 *   auth: {
 *     method: 'universal',
 *     clientId: process.env.INFISICAL_CLIENT_ID ?? '',
 *     clientSecret: process.env.INFISICAL_CLIENT_SECRET ?? '',
 *   },
 * })
 * await store.check()
 * ```
 *
 * @throws {@link ConfigurationError} at once, naming every malformed option. Without the package
 *   `@infisical/sdk` the first operation rejects with {@link StoreUnavailableError}.
 */
export function infisicalTokenStore(options: InfisicalTokenStoreOptions): InfisicalTokenStore {
  const parsed = parseOptions(options)
  const { namespace, audit, now = Date.now, readDeadlineMilliseconds, seal } = parsed
  const emit = createEmitter(parsed.onEvent)
  const gate = createCallGate({ patienceMilliseconds: readDeadlineMilliseconds, now, emit })
  const loadSdk = createSdkLoader()
  const session = createSession({ options: parsed, gate, loadSdk, now, emit })
  const api = createInfisicalApi(session, parsed)
  const cache = createSecretCache({ api, options: parsed, now, emit })
  const values = createStoredValues(parsed, Math.floor(now() / 1000))
  const locks = createKeyLocks()
  const record = createCredentialAudit(audit, { store: 'infisical', namespace, now })
  let closed = false
  if (seal?.dangerouslyAcceptUnsealed === true) {
    process.emitWarning('infisicalTokenStore accepts values that are not sealed', {
      code: 'MCP_AUTH_UNSEALED_VALUES',
    })
  }

  function requireOpen(): void {
    if (closed) throw new StoreUnavailableError('the infisical store is closed')
  }

  /** The limits of one operation from now on. Loading the SDK, which happens once, does not count. */
  async function startLimits(milliseconds: number, signal?: AbortSignal): Promise<CallLimits> {
    await loadSdk()
    return { deadline: performance.now() + milliseconds, ...(signal && { signal }) }
  }

  async function audited<Value>(
    key: CredentialKey,
    operation: CredentialAuditEvent['operation'],
    run: () => Promise<{ readonly value: Value; readonly version?: string | undefined }>,
  ): Promise<Value> {
    try {
      const { value, version } = await run()
      const found = value !== undefined && value !== false
      await record(key, { operation, outcome: found ? 'done' : 'absent', version })
      return value
    } catch (error) {
      const reason = isAuthError(error) ? error.code : 'unknown'
      await record(key, { operation, outcome: 'failed', reason })
      throw error
    }
  }

  async function readValue(key: CredentialKey, { signal, maxAgeSeconds }: CredentialGetOptions) {
    const limits = await startLimits(readDeadlineMilliseconds, signal)
    const found = await cache.read(secretNameOf(key), limits, maxAgeSeconds)
    return found === undefined ? undefined : values.parse(found, key)
  }

  /** Changes one secret, alone in this process, and tells the cache what is there now. */
  async function change<Value>(
    key: CredentialKey,
    run: (
      name: string,
      limits: CallLimits,
    ) => Promise<{ readonly value: Value; readonly stored: SecretRecord | undefined }>,
  ): Promise<Value> {
    const name = secretNameOf(key)
    let begun = false
    let kept = false
    return locks.run(
      name,
      await startLimits(parsed.writeDeadlineMilliseconds),
      async (limits) => {
        requireOpen()
        begun = true
        cache.begin(name)
        const { value, stored } = await run(name, limits)
        cache.keep(name, stored)
        kept = true
        return value
      },
      () => {
        if (begun) cache.end(name, kept)
      },
    )
  }

  function contentOf(key: CredentialKey, value: string, write: string) {
    const keepsOwner = key.owner.kind === 'user'
    return { value, comment: formatOwnerComment(key, write), keepsOwner }
  }

  async function bury(name: string, key: CredentialKey, limits: CallLimits) {
    const before = await api.getSecret(name, limits)
    const stamp = { version: createVersion(), updatedAt: Math.floor(now() / 1000) }
    const content = contentOf(key, formatTombstone(stamp), stamp.version)
    const stored = await putSecret(api, name, content, limits)
    const existed = typeof before !== 'string' && (before.hidden || !isTombstone(before.value))
    return { value: existed, stored }
  }

  async function remove(name: string, limits: CallLimits) {
    const removed = await api.deleteSecret(name, limits)
    const existed =
      typeof removed !== 'string' && (removed.value === undefined || !isTombstone(removed.value))
    return { value: existed, stored: undefined }
  }

  async function listSecrets(): Promise<readonly SecretRecord[]> {
    requireOpen()
    return cache.list(await startLimits(readDeadlineMilliseconds))
  }

  async function* listKeys(provider: string | undefined, tombstones: boolean) {
    yield* listStoredKeys(await listSecrets(), provider, tombstones)
  }

  return Object.freeze({
    name: 'infisical',
    capabilities: Object.freeze({
      write: true,
      compareAndSet: false,
      createOnly: true,
      lease: false,
      tombstone: true,
    }),

    async get(rawKey, getOptions) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      const signal = getOptions?.signal
      signal?.throwIfAborted()
      return audited(key, 'read', async () => {
        const found = await readValue(key, getOptions ?? {})
        const value = found?.kind === 'credential' ? found.credential : undefined
        return { value, version: value?.version }
      })
    },

    async set(rawKey, rawInput, setOptions) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      const input = validateCredentialInput(rawInput)
      const createOnly = isCreateOnly(setOptions)
      return audited(key, 'write', async () => {
        const stamp = { version: createVersion(), updatedAt: Math.floor(now() / 1000) }
        const content = contentOf(key, await values.format(key, input, stamp), stamp.version)
        const value = await change(key, async (name, limits) => {
          const stored = createOnly
            ? await createSecretOnce(api, name, content, stamp.version, limits)
            : await putSecret(api, name, content, limits)
          return { value: values.written(stored, input, stamp), stored }
        })
        return { value, version: value.version }
      })
    },

    async delete(rawKey, deleteOptions?: CredentialDeleteOptions) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      if (deleteOptions?.ifVersion !== undefined) throw refuseVersion()
      const tombstone = deleteOptions?.tombstone === true
      return audited(key, 'delete', async () => ({
        value: await change(key, (name, limits) =>
          tombstone ? bury(name, key, limits) : remove(name, limits),
        ),
      }))
    },

    async tombstone(rawKey, getOptions = {}) {
      requireOpen()
      const found = await readValue(validateCredentialKey(rawKey), getOptions)
      return found?.kind === 'tombstone' ? found.tombstone : undefined
    },

    tombstones: (filter) => listKeys(filter?.provider, true),

    keys: (filter) => listKeys(filter?.provider, false),

    async refresh() {
      await listSecrets()
    },

    async check() {
      const records = await listSecrets()
      if (records.some(({ hidden }) => hidden)) throw hiddenValueError()
    },

    async close() {
      closed = true
      cache.clear()
    },
  } satisfies InfisicalTokenStore)
}
