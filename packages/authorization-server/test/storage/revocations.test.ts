import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Storage } from '../../src/storage/storage.js'
import { type Backend, failureOf, openBackend, START_MILLISECONDS, setups } from './support.js'

const FAR = 1_900_000_000

/** Follows the feed as a replica does: reads on at every call. */
function follow(storage: Storage) {
  const seen = new Map<string, number>()
  let position: string | undefined
  let reading: Promise<void> = Promise.resolve()
  const waiting: (() => void)[] = []
  async function readOn(): Promise<void> {
    const answer = await storage.revocations.read(position)
    position = answer.position
    for (const { kind, id, expiresAt } of answer.revocations) seen.set(`${kind} ${id}`, expiresAt)
    for (const wake of waiting.splice(0)) wake()
  }
  const stop = storage.revocations.watch(() => {
    reading = reading.then(readOn)
  })
  return {
    seen,
    stop,
    /** Resolves with the milliseconds until it was seen. */
    async until(name: string): Promise<number> {
      const start = performance.now()
      while (!seen.has(name)) await new Promise<void>((resolve) => waiting.push(resolve))
      return performance.now() - start
    },
  }
}

describe.each(setups)('revocations on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    it('reads all that is current, and then what was added since', async () => {
      const { revocations } = backend.storage
      const empty = await revocations.read()
      expect(empty.revocations).toEqual([])
      const grant = { kind: 'grant', id: 'g1', expiresAt: FAR } as const
      await revocations.add([grant, { ...grant, expiresAt: FAR - 5 }])
      await revocations.add([{ kind: 'token', id: 'old', expiresAt: 1_700_000_000 }])
      await revocations.add([])
      expect((await revocations.read()).revocations).toEqual([grant])
      const next = await revocations.read(empty.position)
      expect(next.revocations).toEqual([grant])
      await revocations.add([{ ...grant, expiresAt: FAR + 5 }])
      await revocations.add([{ ...grant, expiresAt: FAR - 9 }])
      const longer = { ...grant, expiresAt: FAR + 5 }
      expect((await revocations.read(next.position)).revocations).toEqual([longer])
      for (const position of ['', 'x', '1', "1:1'"]) {
        expect(await failureOf(revocations.read(position))).toBe('ERR_STORE_INVALID')
      }
      const bad = { kind: 'user', id: 'a\0', expiresAt: FAR } as const
      expect(await failureOf(revocations.add([bad]))).toBe('ERR_STORE_INVALID')
    })

    it('reads only what is new when much is old', async () => {
      const { revocations } = backend.storage
      await revocations.add([{ kind: 'user', id: 'old', expiresAt: FAR }])
      await backend.sql(
        `UPDATE {schema}.revocations SET added_at = clock_timestamp() - interval '1 hour'`,
      )
      const { position } = await revocations.read()
      await revocations.add([{ kind: 'user', id: 'new', expiresAt: FAR }])
      const { revocations: added } = await revocations.read(position)
      expect(added.map(({ id }) => id)).toEqual(['new'])
    })

    it('misses nothing of transactions that end in another order than they began', async (context) => {
      // An embedded database has one session: there is no other order.
      if (engine.kind === 'pglite') return context.skip('one session')
      const { storage } = backend
      const other = backend.openReplica()
      let release = () => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      let hasAdded = () => {}
      const added = new Promise<void>((resolve) => {
        hasAdded = resolve
      })
      const slow = other.transaction(async () => {
        await other.revocations.add([{ kind: 'grant', id: 'slow', expiresAt: FAR }])
        hasAdded()
        await gate
      })
      await added
      await storage.revocations.add([{ kind: 'grant', id: 'quick', expiresAt: FAR }])
      const { position, revocations: first } = await storage.revocations.read()
      expect(first.map(({ id }) => id)).toEqual(['quick'])
      release()
      await slow
      const { revocations: second } = await storage.revocations.read(position)
      expect(second.map(({ id }) => id)).toContain('slow')
    })

    it('shows two replicas within a second what either of them revokes', async () => {
      const [one, two] = [backend.openReplica(), backend.openReplica()]
      const feeds = [follow(one), follow(two)]
      await one.revocations.add([{ kind: 'grant', id: 'warm-up', expiresAt: FAR }])
      await Promise.all(feeds.map((feed) => feed.until('grant warm-up')))
      const times: number[] = []
      for (const [index, from] of [one, two, one, two].entries()) {
        await from.transaction(() =>
          from.revocations.add([{ kind: 'user', id: `user-${index}`, expiresAt: FAR }]),
        )
        times.push(...(await Promise.all(feeds.map((feed) => feed.until(`user user-${index}`)))))
      }
      for (const feed of feeds) feed.stop()
      expect(Math.max(...times)).toBeLessThan(1000)
    })

    it('ends a watch with its function and with the storage', async () => {
      const replica = backend.openReplica()
      const calls = { stopped: 0, closed: 0 }
      const stop = replica.revocations.watch(() => {
        calls.stopped += 1
      })
      replica.revocations.watch(() => {
        calls.closed += 1
      })
      const feed = follow(backend.storage)
      stop()
      const before = calls.stopped
      await replica.revocations.add([{ kind: 'key', id: 'k1', expiresAt: FAR }])
      await feed.until('key k1')
      expect(calls.stopped).toBe(before)
      await replica.close()
      const atClose = calls.closed
      await backend.storage.revocations.add([{ kind: 'key', id: 'k2', expiresAt: FAR }])
      await feed.until('key k2')
      expect(calls.closed).toBe(atClose)
      feed.stop()
      expect(await failureOf(replica.revocations.read())).toBe('ERR_STORE_UNAVAILABLE')
    })
  })
})
