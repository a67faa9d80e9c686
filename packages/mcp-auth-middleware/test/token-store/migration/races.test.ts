import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../../test/security/support/long-form.js'
import { memoryTokenStore } from '../../../src/token-store/memory-token-store.js'
import { dualWriteTokenStore } from '../../../src/token-store/migration/dual-write-token-store.js'
import { finishMigration } from '../../../src/token-store/migration/finish-migration.js'
import { migrateCredentials } from '../../../src/token-store/migration/migrate-credentials.js'
import { readNewTokenStore } from '../../../src/token-store/migration/read-new-token-store.js'
import { verifyMigration } from '../../../src/token-store/migration/verify-migration.js'
import type { CredentialInput, TokenStore } from '../../../src/token-store/token-store.js'
import { serviceKey as key } from '../fake-store.js'
import { type Actor, explore } from './interleavings.js'
import { type Lack, limitedStore, steppedStore } from './stepped-store.js'

// Nightly: RACE_PREEMPTIONS=2, which takes minutes.
const MORE_PREEMPTIONS = Number(process.env.RACE_PREEMPTIONS ?? 0)

/**
 * How often actors are interrupted: as often as asked for by night, and one time less by day. There the
 * whole number is kept for one race in so many, another one over each pair of stores.
 */
function bounded(preemptions: number, isWhole = false): number {
  return isLongForm || isWhole ? preemptions : preemptions - 1
}

const apiKey = (secret: string): CredentialInput => ({ kind: 'api-key', secret })

interface Pair {
  readonly old: TokenStore
  readonly fresh: TokenStore
}

type Act = (pair: Pair, version: string) => Promise<unknown>
type Lacks = readonly Lack[]

const migrate: Act = ({ old, fresh }) =>
  migrateCredentials({ from: old, to: fresh, concurrency: 1 })
const dual = ({ old, fresh }: Pair) => dualWriteTokenStore({ old, new: fresh })
const readNew = ({ old, fresh }: Pair) => readNewTokenStore({ old, new: fresh })

const dualSet =
  (secret: string): Act =>
  (pair) =>
    dual(pair).set(key, apiKey(secret))
const dualSetIfVersion =
  (secret: string): Act =>
  (pair, ifVersion) =>
    dual(pair).set(key, apiKey(secret), { ifVersion })
const dualDelete: Act = (pair) => dual(pair).delete(key)
const dualDeleteIfVersion: Act = (pair, ifVersion) => dual(pair).delete(key, { ifVersion })
const newSet =
  (secret: string): Act =>
  (pair) =>
    readNew(pair).set(key, apiKey(secret))
const newSetIfVersion =
  (secret: string): Act =>
  (pair, ifVersion) =>
    readNew(pair).set(key, apiKey(secret), { ifVersion })
const newDelete: Act = (pair) => readNew(pair).delete(key)
const newDeleteIfVersion: Act = (pair, ifVersion) => readNew(pair).delete(key, { ifVersion })
const newGet: Act = async (pair) => (await readNew(pair).get(key))?.secret
const finish: Act = ({ old, fresh }) => finishMigration({ from: old, to: fresh, concurrency: 1 })

interface Outcome extends Pair {
  readonly results: readonly PromiseSettledResult<unknown>[]
}

/** Explores every order of the acts over fresh stores, and checks what they leave. */
async function race(
  acts: readonly Act[],
  check: (outcome: Outcome) => Promise<void>,
  {
    preemptions = bounded(2),
    oldLacks = [],
    newLacks = [],
    copied = false,
  }: { preemptions?: number; oldLacks?: Lacks; newLacks?: Lacks; copied?: boolean } = {},
): Promise<number> {
  return explore(async () => {
    const old = limitedStore(memoryTokenStore(), oldLacks)
    const fresh = limitedStore(memoryTokenStore(), newLacks)
    const { version } = await old.set(key, apiKey('first'))
    if (copied) await migrateCredentials({ from: old, to: fresh })
    const actors = acts.map<Actor>((act) => (turn) => {
      const steps = { before: turn }
      return act({ old: steppedStore(old, steps), fresh: steppedStore(fresh, steps) }, version)
    })
    return { actors, check: (results) => check({ old, fresh, results }) }
  }, preemptions + MORE_PREEMPTIONS)
}

const secretOf = async (store: TokenStore) => (await store.get(key))?.secret

function conflicts({ results }: Outcome): number {
  let count = 0
  for (const result of results) {
    if (result.status === 'fulfilled') continue
    expect(result.reason).toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    count++
  }
  return count
}

/** After one more run of the migration, both stores hold the same and no tombstone is left in the old. */
async function expectEqual(outcome: Outcome): Promise<string | undefined> {
  const { old, fresh } = outcome
  const before = await secretOf(old)
  const report = await migrateCredentials({ from: old, to: fresh })
  expect(report.ok).toBe(true)
  expect(await secretOf(old)).toBe(before)
  expect(await secretOf(fresh)).toBe(before)
  expect(await secretOf(readNew(outcome))).toBe(before)
  const { ok, counts } = await verifyMigration({ from: old, to: fresh })
  expect({ ok, extra: counts.extra }).toEqual({ ok: true, extra: 0 })
  return before
}

const backends: readonly (readonly [string, { oldLacks?: Lacks; newLacks?: Lacks }])[] = [
  ['two complete stores', {}],
  ['an old store without tombstones', { oldLacks: ['tombstone'] }],
  ['an old store without conditions and tombstones', { oldLacks: ['tombstone', 'compareAndSet'] }],
  ['a new store without conditions', { newLacks: ['compareAndSet'] }],
  ['a new store that only creates', { newLacks: ['ifVersion'] }],
]

describe.each(backends)('every order of steps while both stores are written: %s', (name, lacks) => {
  const place = backends.findIndex(([other]) => other === name)
  const wholeIn = (preemptions: number, test: number) =>
    bounded(preemptions, place === test % backends.length)

  it('keeps a write made during the copy', async () => {
    const runs = await race(
      [migrate, dualSet('second')],
      async (outcome) => {
        expect(conflicts(outcome)).toBe(0)
        expect(await secretOf(outcome.fresh)).toBe('second')
        expect(await expectEqual(outcome)).toBe('second')
      },
      { ...lacks, preemptions: wholeIn(3, 0) },
    )
    expect(runs).toBeGreaterThan(20)
  })

  it('never brings back what was deleted during the copy', async () => {
    await race(
      [migrate, dualDelete],
      async (outcome) => {
        expect(conflicts(outcome)).toBe(0)
        expect(await secretOf(outcome.fresh)).toBeUndefined()
        expect(await expectEqual(outcome)).toBeUndefined()
      },
      { ...lacks, preemptions: wholeIn(3, 1) },
    )
  })

  it('leaves both stores equal after a write, a delete and a copy', async () => {
    await race(
      [migrate, dualSet('second'), dualDelete],
      async (outcome) => {
        expect(conflicts(outcome)).toBe(0)
        expect([undefined, 'second']).toContain(await expectEqual(outcome))
      },
      { ...lacks, preemptions: wholeIn(2, 2) },
    )
  })

  it('leaves both stores equal after two writes of two replicas and a copy', async () => {
    await race(
      [dualSet('second'), dualSet('third'), migrate],
      async (outcome) => {
        expect(conflicts(outcome)).toBe(0)
        expect(await secretOf(outcome.fresh)).toBe(await secretOf(outcome.old))
        expect(['second', 'third']).toContain(await expectEqual(outcome))
      },
      { ...lacks, preemptions: 1 },
    )
  })

  it('leaves both stores equal after a delete and two copies', async () => {
    await race(
      [dualDelete, migrate, migrate],
      async (outcome) => {
        expect(conflicts(outcome)).toBe(0)
        expect(await expectEqual(outcome)).toBeUndefined()
      },
      { ...lacks, preemptions: 1 },
    )
  })
})

describe('every order of steps while both stores are written', () => {
  it('lets one of two conditional writers win, in both stores', async () => {
    await race(
      [dualSetIfVersion('second'), dualSetIfVersion('third'), migrate],
      async (outcome) => {
        expect(conflicts(outcome)).toBe(1)
        const winner = outcome.results[0]?.status === 'fulfilled' ? 'second' : 'third'
        expect(await secretOf(outcome.fresh)).toBe(winner)
        expect(await expectEqual(outcome)).toBe(winner)
      },
    )
  })

  it('decides between a conditional delete and a write, in both stores', async () => {
    await race([dualDeleteIfVersion, dualSet('second'), migrate], async (outcome) => {
      // The write came first and made the delete fail, or came after it.
      conflicts(outcome)
      expect(await secretOf(outcome.fresh)).toBe('second')
      expect(await expectEqual(outcome)).toBe('second')
    })
  })

  it('leaves no tombstone in the old store', async () => {
    await race([dualDelete, dualSet('second'), dualDelete], async ({ old }) => {
      const marks: unknown[] = []
      for await (const each of old.tombstones?.() ?? []) marks.push(each)
      expect(marks).toEqual([])
    })
  })
})

const newBackends: readonly (readonly [string, { oldLacks?: Lacks; newLacks?: Lacks }])[] = [
  ['two complete stores', {}],
  ['an old store without conditions and tombstones', { oldLacks: ['tombstone', 'compareAndSet'] }],
]

describe.each(newBackends)(
  'every order of steps while the new store is read: %s',
  (name, lacks) => {
    const place = newBackends.findIndex(([other]) => other === name)
    const wholeIn = (preemptions: number, test: number) =>
      bounded(preemptions, place === test % newBackends.length)

    async function expectView(outcome: Outcome, expected: string | undefined): Promise<void> {
      expect(await secretOf(outcome.old)).toBe('first')
      expect(await secretOf(readNew(outcome))).toBe(expected)
      await migrateCredentials({ from: outcome.old, to: outcome.fresh })
      expect(await secretOf(readNew(outcome))).toBe(expected)
    }

    it('keeps a write made during the copy', async () => {
      await race(
        [migrate, newSet('second')],
        async (outcome) => {
          expect(conflicts(outcome)).toBe(0)
          await expectView(outcome, 'second')
        },
        { ...lacks, preemptions: wholeIn(3, 0) },
      )
    })

    it('never takes the copy for a change, nor loses a conditional write to it', async () => {
      const once = async (outcome: Outcome) => {
        expect(conflicts(outcome)).toBeLessThanOrEqual(1)
        await expectView(outcome, conflicts(outcome) === 0 ? 'second' : 'first')
      }
      await race([migrate, newSetIfVersion('second')], once, {
        ...lacks,
        preemptions: wholeIn(3, 1),
      })
    })

    it('never brings back what was deleted during the copy', async () => {
      await race(
        [migrate, newDelete],
        async (outcome) => {
          expect(conflicts(outcome)).toBe(0)
          await expectView(outcome, undefined)
        },
        { ...lacks, preemptions: wholeIn(3, 2) },
      )
    })

    it('decides between a conditional delete and a write', async () => {
      await race(
        [newDeleteIfVersion, newSet('second')],
        async (outcome) => {
          conflicts(outcome)
          await expectView(outcome, 'second')
        },
        { ...lacks, preemptions: wholeIn(3, 3) },
      )
    })

    it('answers every read while the old store is emptied', async () => {
      const copyAndFinish: Act = async (pair, version) => {
        await migrate(pair, version)
        return finish(pair, version)
      }
      await race(
        [newGet, copyAndFinish],
        async ({ results, fresh }) => {
          expect(results[0]).toEqual({ status: 'fulfilled', value: 'first' })
          expect(await secretOf(fresh)).toBe('first')
        },
        { ...lacks, preemptions: wholeIn(2, 4) },
      )
    })

    it('keeps a write made while the old store is emptied', async () => {
      await race(
        [finish, newSet('second')],
        async (outcome) => {
          expect(conflicts(outcome)).toBe(0)
          expect(await secretOf(readNew(outcome))).toBe('second')
        },
        { ...lacks, preemptions: wholeIn(3, 5), copied: true },
      )
    })

    it('brings back nothing that was deleted while the old store is emptied', async () => {
      await race(
        [finish, newDelete],
        async (outcome) => {
          expect(await secretOf(readNew(outcome))).toBeUndefined()
          await finishMigration({ from: outcome.old, to: outcome.fresh })
          expect(await secretOf(readNew(outcome))).toBeUndefined()
          expect(await secretOf(outcome.old)).toBeUndefined()
        },
        { ...lacks, preemptions: wholeIn(3, 6), copied: true },
      )
    })
  },
)
