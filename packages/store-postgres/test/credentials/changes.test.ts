import { cachedTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestKey } from '../../src/credentials/key-digest.js'
import { portableProfile, testEngines } from '../support/engines.js'
import {
  apiKey,
  type Backend,
  openBackend,
  openStore,
  serviceKey,
  uniqueNamespace,
  userKey,
} from './support.js'

const WAYS = [
  { way: 'by NOTIFY', options: {} },
  // The default interval: a change has to be seen within a second with it.
  { way: 'by polling', options: portableProfile },
]
const setups = testEngines().flatMap((engine) =>
  WAYS.map(({ way, options }) => ({ title: `${engine.name}, ${way}`, engine, options })),
)

/** Polls until a condition holds; resolves with the milliseconds that it took. */
async function until(condition: () => Promise<boolean> | boolean, limit = 5000): Promise<number> {
  const startedAt = performance.now()
  while (!(await condition())) {
    if (performance.now() - startedAt > limit) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - startedAt
}

/** Records what a store tells; resolves once it tells at all. */
async function watch(store: TokenStore, writer: TokenStore) {
  const told: (string | undefined)[] = []
  const stop = store.watch?.((keyDigest) => told.push(keyDigest))
  const probe = userKey('probe')
  await until(async () => {
    await writer.set(probe, apiKey('canary'))
    return told.includes(digestKey(probe))
  })
  const count = (digest: string | undefined) => told.filter((each) => each === digest).length
  return { told, stop, count }
}

describe.each(setups)('changes on $title', ({ engine, options }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, options)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    function openPair(namespace = uniqueNamespace()) {
      const { encryptionKeys } = backend
      const replica = { database: backend.openReplica(), encryptionKeys }
      return [openStore(backend, { namespace }), openStore(replica, { namespace })] as const
    }

    it('X34 shows a write of one instance to the cache of the other within a second', async () => {
      const [here, there] = openPair()
      const cache = cachedTokenStore(here, { ttlSeconds: 3600 })
      const key = userKey('ann')
      const bystander = userKey('bob')
      await there.set(key, apiKey('canary-0'))
      await there.set(bystander, apiKey('canary-bob'))
      const cached = async () => (await cache.get(key))?.secret
      expect(await cached()).toBe('canary-0')
      const held = await cache.get(bystander)

      const times: number[] = []
      for (const secret of ['canary-1', 'canary-2', 'canary-3']) {
        // Served from the cache, so that what is seen next was told by the other instance.
        expect(await cached()).toBe(await cached())
        await there.set(key, apiKey(secret))
        times.push(await until(async () => (await cached()) === secret))
      }
      await there.delete(key)
      times.push(await until(async () => (await cached()) === undefined))
      // An absence that was cached ends with the write too, before its own 5 seconds.
      await there.set(key, apiKey('canary-4'))
      times.push(await until(async () => (await cached()) === 'canary-4'))
      await there.delete(key, { tombstone: true })
      times.push(await until(async () => (await cached()) === undefined))
      for (const time of times) expect(time).toBeLessThan(1000)
      expect((await cache.get(bystander))?.version).toBe(held?.version)
      await cache.close()
    })

    it('X34 tells a change once, and only to its own namespace', async () => {
      const namespace = uniqueNamespace()
      const [one, other] = openPair(namespace)
      const [stranger] = openPair()
      const { count, stop } = await watch(one, other)
      const strange = await watch(stranger, stranger)

      await other.set(userKey('a'), apiKey('canary'))
      // Polls overlap: later ones read the first change again.
      for (const name of ['b', 'c', 'd']) {
        await other.set(userKey(name), apiKey('canary'))
        await until(() => count(digestKey(userKey(name))) > 0)
      }
      expect(count(digestKey(userKey('a')))).toBe(1)
      expect(strange.count(digestKey(userKey('a')))).toBe(0)
      stop?.()
      strange.stop?.()
    })

    it('tells several listeners of several stores, and goes on when one of them throws', async () => {
      const namespace = uniqueNamespace()
      const [one, other] = openPair(namespace)
      const third = openStore(backend, { namespace })
      const stops = [
        one.watch(() => {
          throw new Error('a listener is broken')
        }),
      ]
      const first = await watch(one, other)
      const second = await watch(third, other)
      await other.set(serviceKey(), apiKey('canary'))
      const digest = digestKey(serviceKey())
      await until(() => first.count(digest) > 0 && second.count(digest) > 0)

      first.stop?.()
      await other.set(userKey('later'), apiKey('canary'))
      await until(() => second.count(digestKey(userKey('later'))) > 0)
      expect(first.count(digestKey(userKey('later')))).toBe(0)
      // Idempotent, and none of it touches the other subscriptions.
      first.stop?.()
      for (const stop of stops) stop()
      await other.set(userKey('last'), apiKey('canary'))
      await until(() => second.count(digestKey(userKey('last'))) > 0)
      await third.close()
      expect(() => third.watch(() => {})).toThrow('closed')
    })

    it('tells nothing after close', async () => {
      const [one, other] = openPair()
      const { told } = await watch(one, other)
      const still = await watch(other, other)
      await one.close()
      const before = told.length
      await other.set(serviceKey(), apiKey('canary'))
      await until(() => still.count(digestKey(serviceKey())) > 0)
      expect(told.length).toBe(before)
      await other.close()
    })
  })
})
