import { StoreUnsupportedError } from '../../../src/errors.js'
import type { TokenStore } from '../../../src/token-store/token-store.js'

/** Called before and after every operation of a store. */
export interface Steps {
  before(operation: string): Promise<void> | void
  after?(operation: string): Promise<void> | void
}

/** Wraps a store so that a test decides when each of its operations happens. */
export function steppedStore(store: TokenStore, steps: Steps): TokenStore {
  const stepped =
    <Given extends unknown[], Value>(
      operation: string,
      run: (...given: Given) => Promise<Value>,
    ): ((...given: Given) => Promise<Value>) =>
    async (...given) => {
      await steps.before(operation)
      const value = await run(...given)
      await steps.after?.(operation)
      return value
    }
  const listed = (operation: 'keys' | 'tombstones'): TokenStore['keys'] =>
    async function* (filter) {
      await steps.before(operation)
      yield* store[operation]?.(filter) ?? []
    }
  return {
    ...store,
    get: stepped('get', store.get),
    set: stepped('set', store.set),
    delete: stepped('delete', store.delete),
    keys: listed('keys'),
    ...(store.tombstone && { tombstone: stepped('tombstone', store.tombstone) }),
    ...(store.tombstones && { tombstones: listed('tombstones') }),
  }
}

/** What a store may lack. `ifVersion`: it can create atomically, but compares no versions. */
export type Lack = 'compareAndSet' | 'ifVersion' | 'tombstone' | 'write'

/** A store over a backend that lacks capabilities, and says so as the contract demands. */
export function limitedStore(store: TokenStore, lacks: readonly Lack[]): TokenStore {
  const { tombstone, tombstones, ...rest } = store
  const createOnly = lacks.includes('ifVersion')
  const capabilities = {
    ...store.capabilities,
    write: !lacks.includes('write'),
    tombstone: !lacks.includes('tombstone'),
    compareAndSet: !lacks.includes('compareAndSet') && !createOnly,
    ...(createOnly && { createOnly }),
  }
  const refuse = (condition: boolean) => {
    if (condition) throw new StoreUnsupportedError('not supported')
  }
  return {
    ...rest,
    ...(capabilities.tombstone && { tombstone, tombstones }),
    capabilities,
    async set(key, input, options) {
      const { ifVersion, ifAbsent } = { ...options } as { ifVersion?: string; ifAbsent?: true }
      const compares = ifVersion !== undefined && ifAbsent === undefined
      refuse(!capabilities.write || (compares && !capabilities.compareAndSet))
      refuse(ifAbsent === true && !capabilities.compareAndSet && !createOnly)
      return store.set(key, input, options)
    },
    async delete(key, options) {
      refuse(!capabilities.write || (options?.tombstone === true && !capabilities.tombstone))
      refuse(options?.ifVersion !== undefined && !capabilities.compareAndSet)
      return store.delete(key, options)
    },
  } as TokenStore
}
