import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { tokenStoreContract } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  type Backend,
  openBackend,
  openStore,
  setups,
  uniqueNamespace,
  withEmptyCache,
} from './support.js'

const WRAPPERS = [
  { wrapper: 'bare', wrap: (store: TokenStore) => store },
  { wrapper: 'behind a cache', wrap: withEmptyCache },
]

// One database for all cases: namespaces keep them apart, which they have to.
describe.each(setups)('TokenStore contract: $title', (setup) => {
  const { engine, profile } = setup

  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    describe.each(WRAPPERS)('$wrapper', ({ wrapper, wrap }) => {
      for (const [index, { id, run, title }] of tokenStoreContract.entries()) {
        // By night each case in both ways. By day one way in each setup, the other one in the next setup.
        const turn = WRAPPERS[(index + setups.indexOf(setup)) % WRAPPERS.length]
        if (!isLongForm && turn?.wrapper !== wrapper) continue
        it(`${id}: ${title}`, { timeout: 30_000 }, () => {
          const prefixes = new WeakMap<TokenStore, string>()
          return run({
            async create(seed, { beside, namespace = 'default' } = {}) {
              const prefix = (beside && prefixes.get(beside)) ?? uniqueNamespace()
              const store = wrap(openStore(backend, { namespace: `${prefix}-${namespace}` }))
              prefixes.set(store, prefix)
              for (const [key, input] of seed) await store.set(key, input)
              return store
            },
            destroy: (store) => store.close(),
          })
        })
      }
    })
  })
})
