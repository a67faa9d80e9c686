import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  generateEncryptionKey,
  type KeyProvider,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { rotateKeys } from '../../src/keys/rewrap-records.js'
import {
  apiKey,
  type Backend,
  codeOf,
  engineSetups,
  listKeys,
  openBackend,
  openStore,
  serviceKey,
  uniqueNamespace,
  userKey,
} from './support.js'

const OLD = generateEncryptionKey()
const NEW = generateEncryptionKey()
const OTHER = generateEncryptionKey()

function keyIdOf(keys: string): string {
  return localKeyProvider({ keys }).currentKeyId
}

describe.each(engineSetups)('keys on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    let namespace: string
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
    }, 60_000)
    beforeEach(async () => {
      // As a new database: no key is known to it.
      for (const table of ['credentials', 'encryption_keys', 'leases']) {
        await backend.run(`DELETE FROM {schema}.${table}`)
      }
      namespace = uniqueNamespace()
    })
    afterAll(() => backend?.end())

    function open(encryptionKeys: string) {
      return openStore({ database: backend.openReplica(), encryptionKeys }, { namespace })
    }

    async function countRows(table: string): Promise<unknown> {
      const [row] = await backend.run(`SELECT count(*)::int AS rows FROM {schema}.${table}`)
      return row?.rows
    }

    it('X09 refuses a wrong key at the first call of every kind, and writes nothing', async () => {
      const right = open(OLD)
      await right.set(serviceKey(), apiKey('canary-secret'))
      const tables = ['credentials', 'encryption_keys', 'leases', 'credential_deletions']
      const before = await Promise.all(tables.map(countRows))

      const calls: ((store: ReturnType<typeof open>) => Promise<unknown>)[] = [
        (store) => store.check(),
        (store) => store.get(serviceKey()),
        (store) => store.set(serviceKey(), apiKey('canary-overwritten')),
        (store) => store.set(userKey('ann'), apiKey('canary-new'), { ifAbsent: true }),
        (store) => store.delete(serviceKey()),
        (store) => store.delete(userKey('ann'), { tombstone: true }),
        (store) => store.lease(serviceKey(), 30),
        (store) => store.tombstone(serviceKey()),
        (store) => listKeys(store),
      ]
      for (const call of calls) {
        const wrong = open(OTHER)
        const failure = await call(wrong).catch((error: unknown) => error)
        expect(failure).toMatchObject({ code: 'ERR_CONFIGURATION' })
        // Key ids are named, since they tell which key to look for.
        expect(String(failure)).toContain(keyIdOf(OLD))
        expect(String(failure)).toContain(keyIdOf(OTHER))
        await wrong.close()
      }
      expect(await Promise.all(tables.map(countRows))).toEqual(before)
      expect((await right.get(serviceKey()))?.secret).toBe('canary-secret')
    })

    it('X09 takes the right key after a wrong one was mended', async () => {
      await open(OLD).set(serviceKey(), apiKey('canary-secret'))
      expect(await codeOf(open(OTHER).get(serviceKey()))).toBe('ERR_CONFIGURATION')
      expect((await open(`${OTHER},${OLD}`).get(serviceKey()))?.secret).toBe('canary-secret')
    })

    it('tries again after the first use failed', async () => {
      let asked = 0
      const local = localKeyProvider({ keys: OLD })
      const keyProvider: KeyProvider = {
        currentKeyId: local.currentKeyId,
        keyIds: local.keyIds,
        wrap(dataKey, associatedData) {
          if (asked++ === 0) throw new StoreUnavailableError('the KMS is down')
          return local.wrap(dataKey, associatedData)
        },
        unwrap: (wrapped, associatedData) => local.unwrap(wrapped, associatedData),
      }
      const store = openStore(backend, { keyProvider, namespace })
      expect(await codeOf(store.get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
      expect(await codeOf(store.get(serviceKey()))).toBe('done')
    })

    it('checks the keys once for many parallel first calls', async () => {
      let wrapped = 0
      const local = localKeyProvider({ keys: OLD })
      const keyProvider: KeyProvider = {
        currentKeyId: local.currentKeyId,
        keyIds: local.keyIds,
        wrap(dataKey, associatedData) {
          wrapped++
          return local.wrap(dataKey, associatedData)
        },
        unwrap: (each, associatedData) => local.unwrap(each, associatedData),
      }
      const store = openStore(backend, { keyProvider, namespace })
      await Promise.all(Array.from({ length: 20 }, () => store.get(serviceKey())))
      expect(wrapped).toBe(1)
    })

    it('asks a slow key provider once per record', async () => {
      let unwrapped = 0
      const local = localKeyProvider({ keys: OLD })
      const keyProvider: KeyProvider = {
        currentKeyId: local.currentKeyId,
        keyIds: local.keyIds,
        wrap: async (dataKey, associatedData) => local.wrap(dataKey, associatedData),
        async unwrap(wrapped, associatedData) {
          unwrapped++
          return local.unwrap(wrapped, associatedData)
        },
      }
      const store = openStore(backend, { keyProvider, namespace })
      await store.set(serviceKey(), apiKey('canary-secret'))
      const before = unwrapped
      for (let read = 0; read < 5; read++) await store.get(serviceKey())
      expect(unwrapped - before).toBe(1)
    })

    it('changes the key over two replicas without a failed read or write', {
      timeout: 60_000,
    }, async () => {
      const stores = [open(OLD), open(OLD)]
      const names = Array.from({ length: 20 }, (_, index) => userKey(`u${index}`))
      const expected = new Map<string, string>()
      for (const [index, key] of names.entries()) {
        await stores[index % 2]?.set(key, apiKey(`canary-${index}`))
        expected.set(JSON.stringify(key), `canary-${index}`)
      }

      let running = true
      onTestFinished(() => {
        running = false
      })
      let served = 0
      const failures: unknown[] = []
      async function traffic(replica: 0 | 1): Promise<void> {
        for (let turn = 0; running; turn++) {
          const store = stores[replica]
          // Each replica writes its own half, so that the last acknowledged write is known.
          const key = names[(turn * 2 + replica) % names.length] ?? serviceKey()
          const id = JSON.stringify(key)
          // An embedded database answers without a turn of the event loop, which others need too.
          await new Promise((resolve) => setImmediate(resolve))
          try {
            const found = await store?.get(key)
            if (found?.secret !== expected.get(id)) throw new Error('an older value was read')
            const secret = `canary-${replica}-${turn}`
            await store?.set(key, apiKey(secret), found && { ifVersion: found.version })
            expected.set(id, secret)
            served++
          } catch (error) {
            failures.push(error)
          }
        }
      }
      async function waitForTraffic(): Promise<void> {
        const until = served + 20
        while (running && served < until && failures.length === 0) {
          await new Promise((resolve) => setImmediate(resolve))
        }
      }

      const lanes = [traffic(0), traffic(1)]
      for (const keys of [`${OLD},${NEW}`, `${NEW},${OLD}`]) {
        for (const replica of [0, 1]) {
          stores[replica] = open(keys)
          await waitForTraffic()
        }
      }
      running = false
      await Promise.all(lanes)
      expect(failures).toEqual([])

      const keyProvider = localKeyProvider({ keys: `${NEW},${OLD}` })
      const { remaining } = await rotateKeys(backend.database, createEnvelopeCodec({ keyProvider }))
      expect(remaining).toBe(0)
      stores[0] = open(NEW)
      for (const key of names) {
        expect((await stores[0].get(key))?.secret).toBe(expected.get(JSON.stringify(key)))
      }
      await stores[0].check()
    })

    it('names the key ids and the number of records that the ring lacks', async () => {
      const store = open(OLD)
      for (const name of ['a', 'b', 'c']) await store.set(userKey(name), apiKey('canary'))
      await open(`${OLD},${NEW}`).check()
      const early = open(NEW)
      // `new` alone was never registered: this is a wrong key, not an early one.
      expect(await codeOf(early.check())).toBe('ERR_CONFIGURATION')
      await open(`${NEW},${OLD}`).check()
      await expect(open(NEW).check()).rejects.toThrow(`3 under ${keyIdOf(OLD)}`)
      expect(await codeOf(open(NEW).check())).toBe('ERR_STORE_UNAVAILABLE')
      expect(await codeOf(open(NEW).get(userKey('a')))).toBe('ERR_STORE_UNAVAILABLE')
      // Other records are served.
      expect(await codeOf(open(NEW).get(userKey('d')))).toBe('done')
    })
  })
})
