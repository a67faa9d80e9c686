import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { tokenStoreContract } from '@bestviable/mcp-auth-middleware/testing'
import { describe, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import type { InfisicalTokenStoreOptions } from '../src/index.js'
import { type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import { ENCRYPTION_KEYS, storeOver } from './support.js'

type Variant = readonly [title: string, options: Partial<InfisicalTokenStoreOptions>]

// Whether a value is bare or JSON follows from the value; the cases of the suite hold both.
const VARIANTS: readonly Variant[] = [
  ['readable values', {}],
  ['sealed values', { seal: { encryptionKeys: ENCRYPTION_KEYS } }],
  ['reads from a listing', { listTtlSeconds: 60 }],
]

describe.each(VARIANTS)('TokenStore contract: infisical, %s', (variantTitle, options) => {
  const variant = VARIANTS.findIndex(([title]) => title === variantTitle)

  for (const [index, { id, run, title }] of tokenStoreContract.entries()) {
    // By night each case in every variant; by day in the next one each, and in the one that is the default.
    if (!isLongForm && variant !== 0 && index % 2 !== variant - 1) continue
    it(`${id}: ${title}`, () => {
      const fakes = new WeakMap<TokenStore, FakeInfisical>()
      const users = new Map<FakeInfisical, number>()
      return run({
        async create(seed, { beside, namespace } = {}) {
          const fake = (beside && fakes.get(beside)) ?? (await startFakeInfisical())
          const store = storeOver(fake, { ...options, namespace })
          fakes.set(store, fake)
          users.set(fake, (users.get(fake) ?? 0) + 1)
          for (const [key, input] of seed) await store.set(key, input)
          return store
        },
        async destroy(store) {
          await store.close()
          const fake = fakes.get(store)
          if (fake === undefined) return
          fakes.delete(store)
          const left = (users.get(fake) ?? 1) - 1
          users.set(fake, left)
          if (left === 0) await fake.close()
        },
      })
    })
  }
})
