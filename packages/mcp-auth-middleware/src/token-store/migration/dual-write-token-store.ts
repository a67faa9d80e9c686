import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../../configuration.js'
import { isAuthError, StoreUnavailableError } from '../../errors.js'
import type {
  CredentialDeleteOptions,
  CredentialInput,
  CredentialKey,
  CredentialSetOptions,
  TokenStore,
} from '../token-store.js'
import { isSameCredential } from './credential-digest.js'
import { leaseBoth } from './lease-both.js'
import { missingCapabilities, plainStore, refuseUnsupported } from './store-pair.js'
import { deleteState, isConflict, readState, type StoreState, writeOver } from './store-state.js'

/** How often a mirror is brought up to date before a writer gives up. */
const ATTEMPTS = 16

/** Options for {@link dualWriteTokenStore}. */
export interface DualWriteTokenStoreOptions {
  /** The store that answers reads and decides conditions. Not a `cachedTokenStore`. */
  readonly old: TokenStore
  /** The store that receives every write too. Not a `cachedTokenStore`. */
  readonly new: TokenStore
}

const Options = z.strictObject({ old: plainStore, new: plainStore })

function isSameState(one: StoreState, other: StoreState): boolean {
  if (one.kind !== 'credential' || other.kind !== 'credential') {
    return one.kind !== 'credential' && other.kind !== 'credential'
  }
  return isSameCredential(one.credential, other.credential)
}

/**
 * Creates the store of the first step of a migration: reads the old store and writes both, so that the
 * old one stays right while the new one is filled.
 *
 * The old store decides conditions, versions and leases. A write is acknowledged when both stores have
 * it; parallel writers leave both with the same credential. When the new store cannot be written, the
 * operation rejects although the old store may have changed; running the migration again repairs that. A
 * delete leaves a tombstone in the new store, so that a copy under way cannot bring the credential back.
 *
 * @example
 * ```ts
 * const store = dualWriteTokenStore({
 *   old: memoryTokenStore({ namespace: 'coda' }),
 *   new: memoryTokenStore({ namespace: 'coda' }),
 * })
 * ```
 *
 * @throws {@link ConfigurationError} at once, when a store cannot be written or is a cache.
 */
export function dualWriteTokenStore(options: DualWriteTokenStoreOptions): TokenStore {
  const stores = parseOptions('dualWriteTokenStore', Options, options)
  const { old, new: mirror } = stores
  checkOptions('dualWriteTokenStore', [
    ...missingCapabilities('old', old, ['write']),
    ...missingCapabilities('new', mirror, ['write']),
  ])
  const lease = leaseBoth(old, mirror)

  /** Makes the mirror hold what the old store holds, starting from what each was seen to hold. */
  async function settle(key: CredentialKey, seen?: StoreState): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const target = seen ?? (await readState(mirror, key))
      seen = undefined
      const source = await readState(old, key)
      if (isSameState(source, target)) return
      try {
        if (source.kind === 'credential') await writeOver(mirror, key, target, source.credential)
        else await deleteState(mirror, key, target, true)
      } catch (error) {
        // Whoever wrote the mirror meanwhile compares after that write.
        if (isConflict(error)) return
        throw error
      }
    }
    throw new StoreUnavailableError('parallel writes kept both stores from becoming equal')
  }

  async function secondLeg<Value>(run: () => Promise<Value>): Promise<Value> {
    try {
      return await run()
    } catch (cause) {
      throw new StoreUnavailableError('the old store was written, the new store was not', { cause })
    }
  }

  /** Writes the old store; a leftover tombstone there is nothing that a caller could know of. */
  async function setOld(
    key: CredentialKey,
    input: CredentialInput,
    condition?: CredentialSetOptions,
  ) {
    try {
      return await old.set(key, input, condition)
    } catch (error) {
      if (!isConflict(error)) throw error
      const state = await readState(old, key)
      const creates = condition !== undefined && 'ifAbsent' in condition
      if (creates && state.kind === 'tombstone') return writeOver(old, key, state, input)
      // The caller may take a conflict for the success of an attempt whose second leg failed.
      await secondLeg(() => settle(key))
      throw error
    }
  }

  async function deleteOld(key: CredentialKey, ifVersion: string | undefined): Promise<boolean> {
    const { tombstone } = old.capabilities
    try {
      // Until the new store has its tombstone, one here tells of the deletion after a crash.
      return await old.delete(key, { ifVersion, ...(tombstone && { tombstone }) })
    } catch (error) {
      const absent = isConflict(error) && (await readState(old, key)).kind === 'tombstone'
      if (absent) return false
      throw error
    }
  }

  async function clearOld(key: CredentialKey): Promise<void> {
    if (!old.capabilities.tombstone || !old.capabilities.compareAndSet) return
    try {
      const state = await readState(old, key)
      if (state.kind === 'tombstone') await deleteState(old, key, state, false)
    } catch (error) {
      // What is left behind is invisible, and the end of the migration clears it.
      if (!isAuthError(error)) throw error
    }
  }

  async function remove(key: CredentialKey, options: CredentialDeleteOptions) {
    refuseUnsupported(old, options)
    const removed = await deleteOld(key, options.ifVersion)
    await secondLeg(async () => {
      await mirror.delete(key, mirror.capabilities.tombstone ? { tombstone: true } : {})
      await settle(key)
    })
    await clearOld(key)
    return removed
  }

  return {
    name: `${old.name}-and-${mirror.name}`,
    capabilities: Object.freeze({
      write: true,
      compareAndSet: old.capabilities.compareAndSet,
      lease: lease !== undefined,
      tombstone: false,
    }),
    get: (key, getOptions) => old.get(key, getOptions),
    async set(key, input, setOptions) {
      refuseUnsupported(old, { ...setOptions })
      const written = await setOld(key, input, setOptions)
      await secondLeg(async () => {
        const credential = await mirror.set(key, written)
        await settle(key, { kind: 'credential', credential, version: credential.version })
      })
      return written
    },
    delete: (key, deleteOptions = {}) => remove(key, deleteOptions),
    ...(lease && { lease }),
    ...(old.watch && { watch: (onChange) => old.watch?.(onChange) ?? (() => undefined) }),
    keys: (filter) => old.keys(filter),
    async check() {
      await Promise.all([old.check(), mirror.check()])
    },
    async close() {
      await Promise.all([old.close(), mirror.close()])
    },
  }
}
