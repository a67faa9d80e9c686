import {
  type Credential,
  type CredentialKey,
  createCredential,
  createCredentialAudit,
  isAuthError,
  StoreUnavailableError,
  StoreUnsupportedError,
  type TokenStore,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import { type EnvTokenStoreOptions, parseOptions } from './options.js'
import { createSecretFileReader } from './secret-files.js'
import { versionOf } from './value-version.js'
import { createVariableNames } from './variable-names.js'
import { checkVariables, listVariables, readVariable } from './variable-values.js'

function processEnv(): Readonly<Record<string, unknown>> {
  const process: unknown = Reflect.get(globalThis, 'process')
  const env: unknown =
    typeof process === 'object' && process !== null ? Reflect.get(process, 'env') : undefined
  return typeof env === 'object' && env !== null ? (env as Record<string, unknown>) : {}
}

function refuse(): Promise<never> {
  return Promise.reject(
    new StoreUnsupportedError('environment variables are read-only; change them and restart'),
  )
}

/**
 * Creates a read-only store over environment variables, secret files and Workers bindings.
 *
 * `CODA_API_TOKEN` is the service credential of provider `coda`; `CODA_API_TOKEN_FILE` names a file
 * that holds it, which is read on use and again a second later, so that a rotated secret is seen. Users
 * have variables of their own, see {@link envVariableFor}. Only names that end in `_API_TOKEN` (or in
 * `_API_TOKEN__` and 16 hex digits), each with and without `_FILE`, and names given in the options are
 * ever read. Every credential is an API key without scopes or an end.
 *
 * `version` changes when the value does and is comparable within this process only; `updatedAt` is when
 * this store first saw the value. `keys()` rejects with {@link StoreUnsupportedError} while variables of
 * users are set that `users` does not name, since their owners cannot be told from a digest.
 *
 * @example
 * ```ts
 * const store = envTokenStore({ providers: { github: 'GITHUB_PAT' } })
 * await store.get({ provider: 'github', owner: { kind: 'service' } })
 * ```
 *
 * @throws {@link ConfigurationError} at once, listing every malformed option and every variable that is
 *   empty, unresolved (`${…}`), masked (`***`), or set beside its `_FILE` variant.
 */
export function envTokenStore(options: EnvTokenStoreOptions = {}): TokenStore {
  const {
    env = processEnv(),
    readFile,
    namespace,
    audit,
    now = Date.now,
    ...naming
  } = parseOptions(options)
  const names = createVariableNames(naming)
  checkVariables(env, names)
  const readSecretFile = createSecretFileReader(readFile, now)
  const record = createCredentialAudit(audit, { store: 'env', namespace, now })
  const seen = new Map<string, Credential>()
  let closed = false

  function requireOpen(): void {
    if (closed) throw new StoreUnavailableError('the env store is closed')
  }

  async function read(
    variable: string,
    signal: AbortSignal | undefined,
  ): Promise<Credential | undefined> {
    const secret = await readVariable(env, variable, readSecretFile, signal)
    if (secret === undefined) return undefined
    const known = seen.get(variable)
    // The version says whether the value is the same, and takes a hundred times as long to derive.
    if (known?.secret === secret) return known
    const version = await versionOf(variable, secret)
    const updatedAt = Math.floor(now() / 1000)
    const credential = createCredential({ kind: 'api-key', secret }, { version, updatedAt })
    seen.set(variable, credential)
    return credential
  }

  async function isSet(key: CredentialKey): Promise<boolean> {
    const variable = await names.variableFor(key)
    if (variable === undefined) return false
    return env[variable] !== undefined || env[`${variable}_FILE`] !== undefined
  }

  /** Every key that can be set, and the names of the users' variables among them. */
  async function candidates(): Promise<{ keys: CredentialKey[]; users: Set<string> }> {
    const providers = new Set(Object.keys(naming.providers))
    for (const variable of listVariables(env, names)) {
      const provider = names.providerOf(variable)
      if (provider !== undefined) providers.add(provider)
    }
    const keys = [...providers].map((provider) =>
      validateCredentialKey({ provider, owner: { kind: 'service' } }),
    )
    const users = new Set<string>()
    for (const { provider, issuer, subject } of naming.users) {
      const key = validateCredentialKey({ provider, owner: { kind: 'user', issuer, subject } })
      keys.push(key)
      users.add((await names.variableFor(key)) ?? '')
    }
    return { keys, users }
  }

  return {
    name: 'env',
    capabilities: Object.freeze({
      write: false,
      compareAndSet: false,
      lease: false,
      tombstone: false,
    }),

    async get(rawKey, getOptions) {
      requireOpen()
      const key = validateCredentialKey(rawKey)
      const signal = getOptions?.signal
      signal?.throwIfAborted()
      try {
        const variable = await names.variableFor(key)
        const credential = variable === undefined ? undefined : await read(variable, signal)
        const outcome = credential === undefined ? 'absent' : 'done'
        await record(key, { operation: 'read', outcome, version: credential?.version })
        return credential
      } catch (error) {
        const reason = isAuthError(error) ? error.code : 'unknown'
        await record(key, { operation: 'read', outcome: 'failed', reason })
        throw error
      }
    },

    set: refuse,
    delete: refuse,
    lease: refuse,

    async *keys(filter) {
      requireOpen()
      const { keys, users } = await candidates()
      const unknown = listVariables(env, names).filter(
        (variable) => names.isUserVariable(variable) && !users.has(variable),
      )
      if (unknown.length > 0) {
        throw new StoreUnsupportedError(
          `the owners of ${unknown.join(', ')} cannot be listed; name them in "users"`,
        )
      }
      for (const key of keys) {
        if (filter?.provider !== undefined && key.provider !== filter.provider) continue
        if (await isSet(key)) yield key
      }
    },

    async check() {
      requireOpen()
      checkVariables(env, names)
      for (const variable of listVariables(env, names)) await read(variable, undefined)
    },

    async close() {
      closed = true
      seen.clear()
    },
  }
}
