import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Storage } from '../../src/storage/storage.js'
import { type Backend, engineSetups, newId, openBackend, START_MILLISECONDS } from './support.js'

describe.each(engineSetups)('names that are used once on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage
    let replica: Storage
    const inAMinute = () => backend.clock.now / 1000 + 60

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      storage = backend.storage
      replica = backend.openReplica()
      await replica.check()
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    it('tells one of many parallel callers in two processes that it is the first', async () => {
      const name = newId()
      const racers = Array.from({ length: 10 }, (_, index) => (index % 2 ? storage : replica))
      const answers = await Promise.all(racers.map((each) => each.useOnce(name, inAMinute())))
      expect(answers.filter((isFirst) => isFirst)).toHaveLength(1)
      expect(await storage.useOnce(newId(), inAMinute())).toBe(true)
    })

    it('tells one of many parallel transactions, which wait for the first', async () => {
      const name = newId()
      const racers = Array.from({ length: 4 }, (_, index) => (index % 2 ? storage : replica))
      const use = (each: Storage) => each.transaction(() => each.useOnce(name, inAMinute()))
      const answers = await Promise.all(racers.map(use))
      expect(answers.filter((isFirst) => isFirst)).toHaveLength(1)
    })

    it('counts what has expired as not used, once', async () => {
      const name = newId()
      expect(await storage.useOnce(name, inAMinute())).toBe(true)
      backend.clock.now += 59_999
      expect(await storage.useOnce(name, inAMinute())).toBe(false)
      backend.clock.now += 1
      const answers = await Promise.all([1, 2, 3].map(() => storage.useOnce(name, inAMinute())))
      expect(answers.filter((isFirst) => isFirst)).toHaveLength(1)
    })

    it('forgets a name with the transaction that used it', async () => {
      const name = newId()
      const undone = storage.transaction(async () => {
        expect(await storage.useOnce(name, inAMinute())).toBe(true)
        expect(await storage.useOnce(name, inAMinute())).toBe(false)
        throw new RangeError('undone')
      })
      await expect(undone).rejects.toThrow(RangeError)
      expect(await storage.useOnce(name, inAMinute())).toBe(true)
    })

    it('takes any time and any name, and stores no name', async () => {
      const name = `canary-\u0000\ud800${'x'.repeat(5000)}`
      for (const expiresAt of [1e300, Number.POSITIVE_INFINITY]) {
        expect(await storage.useOnce(`${name}${expiresAt}`, expiresAt)).toBe(true)
        expect(await storage.useOnce(`${name}${expiresAt}`, expiresAt)).toBe(false)
      }
      const rows = await backend.sql('SELECT to_jsonb(t)::text AS row FROM {schema}.oauth_tokens t')
      expect(rows).toHaveLength(2)
      expect(JSON.stringify(rows)).not.toContain('canary')
    })

    it('can be removed when it has expired', async () => {
      await storage.useOnce(newId(), inAMinute())
      backend.clock.now += 60_000
      const { tokens } = await storage.cleanUp({ unusedClientDays: 90, auditRetentionDays: false })
      expect(tokens).toBe(1)
    })
  })
})
