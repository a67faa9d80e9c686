import { describe, expect, it } from 'vitest'
import { memoryTokenStore } from '../../../src/token-store/memory-token-store.js'
import { dualWriteTokenStore } from '../../../src/token-store/migration/dual-write-token-store.js'
import { finishMigration } from '../../../src/token-store/migration/finish-migration.js'
import { migrateCredentials } from '../../../src/token-store/migration/migrate-credentials.js'
import { readNewTokenStore } from '../../../src/token-store/migration/read-new-token-store.js'
import { verifyMigration } from '../../../src/token-store/migration/verify-migration.js'
import type { CredentialInput, TokenStore } from '../../../src/token-store/token-store.js'
import { serviceKey as key, userKey } from '../fake-store.js'
import { steppedStore } from './stepped-store.js'

const apiKey = (secret: string): CredentialInput => ({ kind: 'api-key', secret })
const keys = [key, userKey('ann'), userKey('bob')]

class ProcessDeath extends Error {}

interface Pair {
  readonly old: TokenStore
  readonly fresh: TokenStore
}

interface Crash extends Pair {
  /** What the act resolved with, when it came to its end. */
  readonly acknowledged: boolean
}

/**
 * Runs an act once for every point at which its process can die: before and after each operation of a
 * store. From then on nothing that it does has any effect.
 */
async function everyDeath(
  prepare: (pair: Pair) => Promise<void>,
  act: (pair: Pair) => Promise<unknown>,
  check: (crash: Crash) => Promise<void>,
): Promise<number> {
  for (let point = 0; ; point++) {
    const pair = { old: memoryTokenStore(), fresh: memoryTokenStore() }
    await prepare(pair)
    let passed = 0
    const die = () => {
      if (passed++ >= point) throw new ProcessDeath()
    }
    const steps = { before: die, after: die }
    let acknowledged = true
    try {
      await act({ old: steppedStore(pair.old, steps), fresh: steppedStore(pair.fresh, steps) })
    } catch {
      acknowledged = false
    }
    await check({ ...pair, acknowledged })
    if (acknowledged) return point
  }
}

async function contentOf(store: TokenStore): Promise<(string | undefined)[]> {
  return Promise.all(keys.map(async (each) => (await store.get(each))?.secret))
}

async function versionsOf(store: TokenStore): Promise<(string | undefined)[]> {
  return Promise.all(keys.map(async (each) => (await store.get(each))?.version))
}

async function marksOf(store: TokenStore): Promise<number> {
  let count = 0
  for await (const _key of store.tombstones?.() ?? []) count++
  return count
}

const seed = async ({ old }: Pair) => {
  for (const [index, each] of keys.entries()) await old.set(each, apiKey(`secret-${index}`))
}
const copied = async (pair: Pair) => {
  await seed(pair)
  await migrateCredentials({ from: pair.old, to: pair.fresh })
}
const everything = ['secret-0', 'secret-1', 'secret-2']

describe('a process that dies at any point', () => {
  it('X35 leaves nothing to repair after a copy, and the source untouched', async () => {
    let versions: (string | undefined)[] = []
    const points = await everyDeath(
      async (pair) => {
        await seed(pair)
        versions = await versionsOf(pair.old)
      },
      ({ old, fresh }) => migrateCredentials({ from: old, to: fresh, concurrency: 2 }),
      async ({ old, fresh }) => {
        expect(await versionsOf(old)).toEqual(versions)
        // Whatever is in the new store already is right, and readers miss nothing.
        for (const [index, secret] of (await contentOf(fresh)).entries()) {
          expect([undefined, everything[index]]).toContain(secret)
        }
        expect(await contentOf(readNewTokenStore({ old, new: fresh }))).toEqual(everything)

        const { ok, counts } = await migrateCredentials({ from: old, to: fresh })
        expect(ok).toBe(true)
        expect(counts.copied + counts.present).toBe(3)
        expect(await contentOf(fresh)).toEqual(everything)
        expect(await versionsOf(old)).toEqual(versions)
      },
    )
    expect(points).toBeGreaterThan(20)
  })

  it('leaves nothing to repair after a corrected copy', async () => {
    await everyDeath(
      async (pair) => {
        await copied(pair)
        await pair.old.set(key, apiKey('rotated'))
        await pair.old.delete(userKey('ann'), { tombstone: true })
      },
      ({ old, fresh }) => migrateCredentials({ from: old, to: fresh, concurrency: 1 }),
      async ({ old, fresh }) => {
        expect((await migrateCredentials({ from: old, to: fresh })).ok).toBe(true)
        expect(await contentOf(fresh)).toEqual(['rotated', undefined, 'secret-2'])
      },
    )
  })

  it('lets another copy finish what a dual write began', async () => {
    await everyDeath(
      copied,
      ({ old, fresh }) => dualWriteTokenStore({ old, new: fresh }).set(key, apiKey('rotated')),
      async ({ old, fresh, acknowledged }) => {
        if (acknowledged) expect((await fresh.get(key))?.secret).toBe('rotated')
        const before = await contentOf(old)
        expect((await migrateCredentials({ from: old, to: fresh })).ok).toBe(true)
        expect(await contentOf(old)).toEqual(before)
        expect(await contentOf(fresh)).toEqual(before)
      },
    )
  })

  it.each([
    ['a delete', (_version: string) => ({})],
    ['a conditional delete', (ifVersion: string) => ({ ifVersion })],
  ])('lets another copy finish what %s of both stores began', async (_what, condition) => {
    await everyDeath(
      copied,
      async ({ old, fresh }) => {
        const store = dualWriteTokenStore({ old, new: fresh })
        const { version = '' } = (await store.get(key)) ?? {}
        return store.delete(key, condition(version))
      },
      async ({ old, fresh, acknowledged }) => {
        if (acknowledged) expect(await fresh.get(key)).toBeUndefined()
        const before = await contentOf(old)
        expect((await migrateCredentials({ from: old, to: fresh })).ok).toBe(true)
        // What readers saw deleted does not come back when the new store is read.
        expect(await contentOf(fresh)).toEqual(before)
        expect(await contentOf(readNewTokenStore({ old, new: fresh }))).toEqual(before)
      },
    )
  })

  it('makes the new store a mirror again after a writer died that lost a race', async () => {
    await everyDeath(
      copied,
      async ({ old, fresh }) => {
        let first = true
        const slow = steppedStore(fresh, {
          async before(operation) {
            if (operation !== 'set' || !first) return
            first = false
            // Another replica writes both stores before this one writes the new one.
            await dualWriteTokenStore({ old, new: fresh }).set(key, apiKey('of another replica'))
          },
        })
        return dualWriteTokenStore({ old, new: slow }).set(key, apiKey('late'))
      },
      async ({ old, fresh }) => {
        const before = await contentOf(old)
        const report = await migrateCredentials({ from: old, to: fresh, prefer: 'from' })
        expect(report.ok).toBe(true)
        expect(await contentOf(fresh)).toEqual(before)
        expect(await contentOf(old)).toEqual(before)
      },
    )
  })

  it('leaves the credential or its absence after a write or delete of the new store', async () => {
    for (const act of ['set', 'delete'] as const) {
      const after = act === 'set' ? 'rotated' : undefined
      await everyDeath(
        seed,
        async ({ old, fresh }) => {
          const store = readNewTokenStore({ old, new: fresh })
          const { version: ifVersion } = (await store.get(key)) ?? {}
          if (act === 'set') await store.set(key, apiKey('rotated'), { ifVersion })
          else await store.delete(key, { ifVersion })
        },
        async ({ old, fresh, acknowledged }) => {
          const [seen] = await contentOf(readNewTokenStore({ old, new: fresh }))
          expect(acknowledged ? [after] : ['secret-0', after]).toContain(seen)
          expect((await migrateCredentials({ from: old, to: fresh })).ok).toBe(true)
          expect((await fresh.get(key))?.secret).toBe(seen)
          expect(await contentOf(old)).toEqual(everything)
        },
      )
    }
  })

  it('loses nothing while the old store is emptied, and can go on', async () => {
    const expected = ['rotated', undefined, 'secret-2']
    const points = await everyDeath(
      async (pair) => {
        await copied(pair)
        const store = readNewTokenStore({ old: pair.old, new: pair.fresh })
        await store.set(key, apiKey('rotated'))
        await store.delete(userKey('ann'))
      },
      ({ old, fresh }) => finishMigration({ from: old, to: fresh, concurrency: 1 }),
      async ({ old, fresh }) => {
        expect(await contentOf(readNewTokenStore({ old, new: fresh }))).toEqual(expected)
        expect((await finishMigration({ from: old, to: fresh })).finished).toBe(true)
        expect(await contentOf(fresh)).toEqual(expected)
        expect(await contentOf(old)).toEqual([undefined, undefined, undefined])
        expect([await marksOf(old), await marksOf(fresh)]).toEqual([0, 0])
        const { total, ok } = await verifyMigration({ from: old, to: fresh, prefer: 'to' })
        expect({ total, ok }).toEqual({ total: 2, ok: true })
      },
    )
    expect(points).toBeGreaterThan(20)
  })
})
