import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../../configuration.js'
import {
  isAuthError,
  StoreConflictError,
  StoreInvalidError,
  StoreUnavailableError,
} from '../../errors.js'
import { credentialKeyId } from '../credential-key.js'
import type {
  Credential,
  CredentialDeleteOptions,
  CredentialGetOptions,
  CredentialInput,
  CredentialKey,
  CredentialKeyFilter,
  CredentialSetOptions,
  TokenStore,
} from '../token-store.js'
import { isSameCredential } from './credential-digest.js'
import { missingCapabilities, plainStore, refuseUnsupported } from './store-pair.js'
import { deleteState, readState, type StoreState, writeOver } from './store-state.js'

/** Options for {@link readNewTokenStore}. */
export interface ReadNewTokenStoreOptions {
  /** The store that is read where the new one holds nothing. May be read-only. */
  readonly old: TokenStore
  /** The store that is read first and receives every write. Needs tombstones. */
  readonly new: TokenStore
  /**
   * Reads the old store while the new one is unavailable. What it answers may have been replaced or
   * deleted in the new one. Default false.
   */
  readonly readThrough?: boolean | undefined
  /**
   * Brings the old store up to date after every write, so that processes that still read it see the
   * write and the step before can be taken back. Default false.
   */
  readonly writeOld?: boolean | undefined
}

const flag = z._default(z.boolean({ error: 'must be true or false' }), false)

const Options = z.strictObject({
  old: plainStore,
  new: plainStore,
  readThrough: flag,
  writeOld: flag,
})

function conditionOf(options: CredentialSetOptions | undefined) {
  const ifVersion = options && 'ifVersion' in options ? options.ifVersion : undefined
  const ifAbsent = options !== undefined && 'ifAbsent' in options && options.ifAbsent === true
  if (ifVersion !== undefined && ifAbsent) {
    throw new StoreInvalidError('ifVersion and ifAbsent exclude each other')
  }
  return { ifVersion, ifAbsent }
}

/**
 * Creates the store of the second step of a migration: reads the new store and, for a key that it never
 * held, the old one; writes the new store only, so that the old one stays as it was.
 *
 * A delete leaves a tombstone in the new store, which hides what the old one holds. Conditions compare
 * with the version that `get` answers, also when the credential was copied meanwhile. When the new store
 * is unavailable the read rejects: the old store may hold a value that was replaced since.
 *
 * @example
 * ```ts
 * const store = readNewTokenStore({
 *   old: envTokenStore(),
 *   new: memoryTokenStore({ namespace: 'coda' }),
 * })
 * ```
 *
 * @throws {@link ConfigurationError} at once, when a store is a cache, or the new one cannot be written
 *   or cannot keep tombstones.
 */
export function readNewTokenStore(options: ReadNewTokenStoreOptions): TokenStore {
  const {
    old,
    new: current,
    readThrough,
    writeOld,
  } = parseOptions('readNewTokenStore', Options, options)
  checkOptions('readNewTokenStore', [
    ...missingCapabilities('new', current, ['write', 'tombstone']),
    ...(writeOld ? missingCapabilities('old', old, ['write']) : []),
  ])
  const { compareAndSet, lease } = current.capabilities

  async function readNew(key: CredentialKey, getOptions: CredentialGetOptions | undefined) {
    const state = await readState(current, key, getOptions ?? {})
    if (state.kind !== 'none') return state.kind === 'credential' ? state.credential : undefined
    // Between the two reads the key may have been copied and removed from the old store.
    return (await old.get(key, getOptions)) ?? current.get(key, getOptions)
  }

  async function get(key: CredentialKey, getOptions: CredentialGetOptions | undefined) {
    try {
      return await readNew(key, getOptions)
    } catch (error) {
      const unavailable = isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'
      if (!readThrough || !unavailable) throw error
      return old.get(key, getOptions)
    }
  }

  /**
   * Finds the state of the new store that a caller means by a version, which it may have been given
   * when the credential was only in the old store.
   */
  async function stateOfVersion(key: CredentialKey, version: string): Promise<StoreState> {
    const state = await readState(current, key)
    if (state.kind === 'tombstone' || state.version === version) return state
    const before = await old.get(key)
    const unchanged =
      before?.version === version &&
      (state.kind === 'none' || isSameCredential(before, state.credential))
    if (!unchanged) throw new StoreConflictError('another version is stored')
    return state
  }

  async function setIfVersion(key: CredentialKey, input: CredentialInput, version: string) {
    const state = await stateOfVersion(key, version)
    if (state.kind === 'tombstone') throw new StoreConflictError('the credential was deleted')
    return writeOver(current, key, state, input)
  }

  async function setIfAbsent(key: CredentialKey, input: CredentialInput) {
    const state = await readState(current, key)
    const held = state.kind === 'credential' || (state.kind === 'none' && (await old.get(key)))
    if (held) throw new StoreConflictError('a credential is stored')
    return writeOver(current, key, state, input)
  }

  async function write(
    key: CredentialKey,
    input: CredentialInput,
    setOptions: CredentialSetOptions | undefined,
  ): Promise<Credential> {
    const { ifVersion, ifAbsent } = conditionOf(setOptions)
    if (ifVersion === undefined && !ifAbsent) return current.set(key, input)
    return ifVersion === undefined ? setIfAbsent(key, input) : setIfVersion(key, input, ifVersion)
  }

  async function isHeld(key: CredentialKey): Promise<boolean> {
    try {
      return (await readNew(key, undefined)) !== undefined
    } catch (error) {
      // What is damaged cannot be read but has to be deletable.
      if (isAuthError(error) && error.code === 'ERR_STORE_INTEGRITY') return true
      throw error
    }
  }

  async function remove(key: CredentialKey, ifVersion: string | undefined): Promise<boolean> {
    if (ifVersion === undefined) {
      if (!(await isHeld(key))) return false
      await current.delete(key, { tombstone: true })
      return true
    }
    let state = await readState(current, key)
    if (state.kind === 'tombstone') return false
    if (state.kind === 'none') {
      const before = await old.get(key)
      if (before === undefined) return false
      if (before.version !== ifVersion) throw new StoreConflictError('another version is stored')
      // Copied first: only what is stored can be deleted on condition.
      const copied = await writeOver(current, key, state, before)
      state = { kind: 'credential', credential: copied, version: copied.version }
    } else {
      state = await stateOfVersion(key, ifVersion)
    }
    return deleteState(current, key, state, true)
  }

  async function alsoOld(run: () => Promise<unknown>): Promise<void> {
    if (!writeOld) return
    try {
      await run()
    } catch (cause) {
      throw new StoreUnavailableError('the new store was written, the old store was not', { cause })
    }
  }

  async function* keys(filter: CredentialKeyFilter | undefined) {
    const seen = new Set<string>()
    for await (const key of current.keys(filter)) {
      seen.add(credentialKeyId(key))
      yield key
    }
    for await (const key of current.tombstones?.(filter) ?? []) seen.add(credentialKeyId(key))
    for await (const key of old.keys(filter)) if (!seen.has(credentialKeyId(key))) yield key
  }

  function watch(onChange: (keyDigest: string | undefined) => void): () => void {
    const stops = [current, old].map((store) => store.watch?.(onChange))
    return () => {
      for (const stop of stops) stop?.()
    }
  }

  return {
    name: `${current.name}-before-${old.name}`,
    capabilities: Object.freeze({ write: true, compareAndSet, lease, tombstone: false }),
    get,
    async set(key, input, setOptions) {
      refuseUnsupported(current, { ...setOptions })
      const written = await write(key, input, setOptions)
      await alsoOld(() => old.set(key, written))
      return written
    },
    async delete(key, deleteOptions: CredentialDeleteOptions = {}) {
      refuseUnsupported(current, deleteOptions)
      const removed = await remove(key, deleteOptions.ifVersion)
      await alsoOld(() => old.delete(key))
      return removed
    },
    ...(current.lease && {
      lease: (key, ttl) => current.lease?.(key, ttl) ?? Promise.resolve(undefined),
    }),
    ...((current.watch ?? old.watch) && { watch }),
    keys,
    async check() {
      await Promise.all([current.check(), old.check()])
    },
    async close() {
      await Promise.all([current.close(), old.close()])
    },
  }
}
