import { describe, it } from 'vitest'
import { tokenStoreContract } from '../../../src/testing/token-store-contract.js'
import {
  createMemoryStorage,
  type MemoryStorage,
  memoryTokenStore,
} from '../../../src/token-store/memory-token-store.js'
import { dualWriteTokenStore } from '../../../src/token-store/migration/dual-write-token-store.js'
import { readNewTokenStore } from '../../../src/token-store/migration/read-new-token-store.js'
import type { TokenStore } from '../../../src/token-store/token-store.js'
import { limitedStore } from './stepped-store.js'

interface Stores {
  readonly old: TokenStore
  readonly fresh: TokenStore
}

interface Variant {
  /** Where the seed of a case is. */
  readonly seeded: keyof Stores
  build(stores: Stores): TokenStore
}

const variants: readonly (readonly [string, Variant])[] = [
  [
    'dualWriteTokenStore()',
    { seeded: 'old', build: ({ old, fresh }) => dualWriteTokenStore({ old, new: fresh }) },
  ],
  [
    'readNewTokenStore() with everything in the new store',
    { seeded: 'fresh', build: ({ old, fresh }) => readNewTokenStore({ old, new: fresh }) },
  ],
  [
    'readNewTokenStore() with everything in the old store',
    { seeded: 'old', build: ({ old, fresh }) => readNewTokenStore({ old, new: fresh }) },
  ],
  [
    'readNewTokenStore() over a read-only store',
    {
      seeded: 'old',
      build: ({ old, fresh }) =>
        readNewTokenStore({ old: limitedStore(old, ['write', 'tombstone']), new: fresh }),
    },
  ],
  [
    'readNewTokenStore() that keeps the old store up to date',
    {
      seeded: 'old',
      build: ({ old, fresh }) => readNewTokenStore({ old, new: fresh, writeOld: true }),
    },
  ],
]

describe.each(variants)('TokenStore contract: %s', (_name, { build, seeded }) => {
  for (const { id, run, title } of tokenStoreContract) {
    it(`${id}: ${title}`, () => {
      const storages = new WeakMap<TokenStore, Record<keyof Stores, MemoryStorage>>()
      let time = Date.now()
      return run({
        async create(seed, { beside, namespace } = {}) {
          const storage = (beside && storages.get(beside)) ?? {
            old: createMemoryStorage(),
            fresh: createMemoryStorage(),
          }
          const now = () => time
          const old = memoryTokenStore({ namespace, storage: storage.old, now })
          const fresh = memoryTokenStore({ namespace, storage: storage.fresh, now })
          const stores = { old, fresh }
          for (const [key, input] of seed) await stores[seeded].set(key, input)
          const store = build(stores)
          storages.set(store, storage)
          return store
        },
        destroy: (store) => store.close(),
        advance(seconds) {
          time += seconds * 1000
        },
      })
    })
  }
})
