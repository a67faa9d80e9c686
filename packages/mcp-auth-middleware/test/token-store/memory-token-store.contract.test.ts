import { describe, it } from 'vitest'
import { tokenStoreContract } from '../../src/testing/token-store-contract.js'
import { cachedTokenStore } from '../../src/token-store/cached-token-store.js'
import {
  createMemoryStorage,
  type MemoryStorage,
  memoryTokenStore,
} from '../../src/token-store/memory-token-store.js'
import type { TokenStore } from '../../src/token-store/token-store.js'
import { limitedStore } from './migration/stepped-store.js'

const wrappers: readonly [string, (store: TokenStore) => TokenStore][] = [
  ['memory', (store) => store],
  // A cache of no time: what other replicas write must be visible at once in this suite.
  [
    'memory behind cachedTokenStore()',
    (store) => cachedTokenStore(store, { ttlSeconds: 0, negativeTtlSeconds: 0 }),
  ],
  ['memory that only creates', (store) => limitedStore(store, ['ifVersion'])],
  [
    'memory without conditions and tombstones',
    (store) => limitedStore(store, ['compareAndSet', 'tombstone']),
  ],
]

describe.each(wrappers)('TokenStore contract: %s', (_name, wrap) => {
  for (const { id, run, title } of tokenStoreContract) {
    it(`${id}: ${title}`, () => {
      const storages = new WeakMap<TokenStore, MemoryStorage>()
      let time = Date.now()
      return run({
        async create(seed, { beside, namespace } = {}) {
          const storage = (beside && storages.get(beside)) ?? createMemoryStorage()
          const store = wrap(memoryTokenStore({ namespace, storage, now: () => time }))
          storages.set(store, storage)
          for (const [key, input] of seed) await store.set(key, input)
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
