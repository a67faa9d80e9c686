import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { credentialKeyId } from '../../token-store/credential-key.js'
import type {
  CredentialGetOptions,
  CredentialKey,
  TokenStore,
} from '../../token-store/token-store.js'
import {
  apiKey,
  contractCase,
  serviceKey,
  type TokenStoreContractCase,
  userKey,
} from './context.js'

const PATIENCE_MILLISECONDS = 10_000

const digestOf = (key: CredentialKey) =>
  createHash('sha256').update(credentialKeyId(key)).digest('base64url')

/** Follows the changes that a store tells of. */
function follow(store: TokenStore) {
  let told: (string | undefined)[] = []
  const stop = store.watch?.((digest) => told.push(digest)) ?? (() => undefined)
  return {
    stop,
    count: () => told.length,
    /** Waits until the key, or everything, was told to have changed since the last call. */
    async heardOf(key: CredentialKey): Promise<void> {
      const end = Date.now() + PATIENCE_MILLISECONDS
      const heard = () => told.some((each) => each === undefined || each === digestOf(key))
      while (!heard()) {
        assert.ok(Date.now() < end, 'the change was not told')
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      told = []
    },
  }
}

/** What stores promise about changes by others. A store without `watch` tells of none. */
export const watchCases: readonly TokenStoreContractCase[] = [
  contractCase('TS60', 'tells other replicas of writes and deletes', async ({ create }) => {
    const store = await create([])
    if (store.watch === undefined) return
    const replica = await create([], { beside: store })
    const watching = follow(store)
    const leaving = follow(store)
    try {
      await replica.set(serviceKey(), apiKey('first'))
      await watching.heardOf(serviceKey())
      await replica.set(serviceKey(), apiKey('second'))
      await watching.heardOf(serviceKey())
      await replica.delete(serviceKey())
      await watching.heardOf(serviceKey())

      leaving.stop()
      leaving.stop()
      const before = leaving.count()
      await replica.set(userKey('ann'), apiKey('third'))
      await watching.heardOf(userKey('ann'))
      assert.equal(leaving.count(), before)
    } finally {
      watching.stop()
      leaving.stop()
    }
  }),

  contractCase('TS61', 'answers nothing older than asked for', async ({ create }) => {
    const store = await create([])
    const { write, tombstone } = store.capabilities
    if (!write) return
    const replica = await create([], { beside: store })
    const now = { maxAgeSeconds: 0 }
    // Each answer of the first replica is remembered, if the store remembers any.
    const secret = async (options?: CredentialGetOptions) =>
      (await store.get(serviceKey(), options))?.secret
    assert.equal(await secret(), undefined)
    await replica.set(serviceKey(), apiKey('first'))
    assert.equal(await secret(now), 'first')
    await secret()
    await replica.set(serviceKey(), apiKey('second'))
    assert.equal(await secret(now), 'second')
    await store.set(serviceKey(), apiKey('third'))
    await replica.set(serviceKey(), apiKey('fourth'))
    assert.equal(await secret(now), 'fourth')
    await replica.delete(serviceKey(), tombstone ? { tombstone } : {})
    assert.equal(await secret(now), undefined)
    if (tombstone) assert.ok((await store.tombstone?.(serviceKey(), now)) !== undefined)
  }),
]
