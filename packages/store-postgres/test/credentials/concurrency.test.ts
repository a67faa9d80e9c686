import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  apiKey,
  type Backend,
  codeOf,
  countCodes,
  openBackend,
  openStore,
  serviceKey,
  setups,
  uniqueNamespace,
  userKey,
} from './support.js'

// By night twice as many writers too, and more rounds of each race.
const CROWDS = isLongForm ? [50, 100] : [50]
const [CROWD_ROUNDS, RACE_ROUNDS] = isLongForm ? [5, 20] : [2, 6]

describe.each(setups)('parallel writers on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    /** Two stores of one namespace, with a pool each. */
    function openPair() {
      const namespace = uniqueNamespace()
      const { encryptionKeys } = backend
      return [
        openStore(backend, { namespace }),
        openStore({ database: backend.openReplica(), encryptionKeys }, { namespace }),
      ] as const
    }

    it.each(CROWDS)(
      'X24 lets one of %i writers on two instances win, round after round',
      { timeout: 60_000 },
      async (writers) => {
        const [one, other] = openPair()
        const stores = [one, other]
        const versions = new Set<string>()
        for (let round = 0; round < CROWD_ROUNDS; round++) {
          const held = await one.get(serviceKey())
          const condition =
            held === undefined ? ({ ifAbsent: true } as const) : { ifVersion: held.version }
          const attempts = Array.from({ length: writers }, (_, index) =>
            (stores[index % 2] ?? one).set(
              serviceKey(),
              apiKey(`canary-${round}-${index}`),
              condition,
            ),
          )
          expect(await countCodes(attempts)).toEqual({ done: 1, ERR_STORE_CONFLICT: writers - 1 })
          const won = (await Promise.allSettled(attempts)).flatMap((each) =>
            each.status === 'fulfilled' ? [each.value] : [],
          )
          const stored = await other.get(serviceKey())
          expect(stored?.secret).toBe(won[0]?.secret)
          versions.add(stored?.version ?? '')
        }
        expect(versions.size).toBe(CROWD_ROUNDS)
      },
    )

    it('keeps the last of many writes without a condition, whole', async () => {
      const [one, other] = openPair()
      const writes = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : other).set(userKey('ann'), apiKey(`canary-${index}`)),
      )
      const written = await Promise.all(writes)
      const stored = await one.get(userKey('ann'))
      const same = written.find(({ version }) => version === stored?.version)
      expect(same?.secret).toBe(stored?.secret)
      expect((await other.get(userKey('ann')))?.version).toBe(stored?.version)
    })

    it('lets one of many deletes of a version win, and gives the others false', async () => {
      const [one, other] = openPair()
      const { version } = await one.set(serviceKey(), apiKey('canary'))
      const deletes = Array.from({ length: 30 }, (_, index) =>
        (index % 2 === 0 ? one : other).delete(serviceKey(), { ifVersion: version }),
      )
      const results = await Promise.all(deletes)
      expect(results.filter((each) => each)).toHaveLength(1)
    })

    it('decides between a delete and writes of the same version', { timeout: 60_000 }, async () => {
      const [one, other] = openPair()
      for (let round = 0; round < RACE_ROUNDS; round++) {
        const { version } = await one.set(serviceKey(), apiKey('canary-first'))
        const deletes = [one, other].map((store) =>
          codeOf(store.delete(serviceKey(), { ifVersion: version, tombstone: round % 2 === 0 })),
        )
        const write = codeOf(other.set(serviceKey(), apiKey('canary-next'), { ifVersion: version }))
        const [written, ...deleted] = await Promise.all([write, ...deletes])
        const stored = await one.get(serviceKey())
        if (written === 'done') {
          expect(stored?.secret).toBe('canary-next')
          expect(deleted).toEqual(['ERR_STORE_CONFLICT', 'ERR_STORE_CONFLICT'])
        } else {
          expect(written).toBe('ERR_STORE_CONFLICT')
          expect(stored).toBeUndefined()
        }
      }
    })

    it('never answers a tombstone with a credential that it buried', {
      timeout: 60_000,
    }, async () => {
      const [one, other] = openPair()
      for (let round = 0; round < RACE_ROUNDS; round++) {
        const key = userKey(`u${round}`)
        const [removed, added] = await Promise.all([
          one.delete(key, { tombstone: true }),
          codeOf(other.set(key, apiKey('canary'), { ifAbsent: true })),
        ])
        const stored = await one.get(key)
        // Either the write came first and was buried, or it came second and met the tombstone.
        expect([removed, added]).toEqual(removed ? [true, 'done'] : [false, 'ERR_STORE_CONFLICT'])
        expect(stored).toBeUndefined()
        expect(await one.tombstone(key)).toBeDefined()
      }
    })

    it('gives the lease of one key to one of many', async () => {
      const [one, other] = openPair()
      const attempts = Array.from({ length: 30 }, (_, index) =>
        (index % 2 === 0 ? one : other).lease(serviceKey(), 30),
      )
      const leases = (await Promise.all(attempts)).filter((each) => each !== undefined)
      expect(leases).toHaveLength(1)
      await Promise.all([leases[0]?.release(), leases[0]?.release()])
      expect(await other.lease(serviceKey(), 30)).toBeDefined()
    })
  })
})
