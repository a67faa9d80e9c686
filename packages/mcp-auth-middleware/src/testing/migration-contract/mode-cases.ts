import assert from 'node:assert/strict'
import { StoreUnavailableError } from '../../errors.js'
import { dualWriteTokenStore } from '../../token-store/migration/dual-write-token-store.js'
import { migrateCredentials } from '../../token-store/migration/migrate-credentials.js'
import { readNewTokenStore } from '../../token-store/migration/read-new-token-store.js'
import { verifyMigration } from '../../token-store/migration/verify-migration.js'
import {
  apiKey,
  listKeys,
  rejectsWith,
  serviceKey,
  type TokenStoreSeed,
  userKey,
} from '../token-store-contract/context.js'
import {
  assertRefused,
  assertSameContent,
  contentOf,
  type MigrationContractCase,
  type MigrationContractContext,
  migrationCase,
  secretOf,
} from './context.js'

const SEED: TokenStoreSeed = Array.from({ length: 20 }, (_, index) => [
  userKey(`user-${index}`),
  apiKey(`canary-${index}`),
])

/** A case of the step in which both stores are written. A read-only store cannot take it. */
function dualWriteCase(
  id: string,
  title: string,
  run: (context: Pick<MigrationContractContext, 'createPair' | 'members'>) => Promise<void>,
): MigrationContractCase {
  return migrationCase(id, title, async (context) => {
    const { from, to } = await context.createPair([])
    if (from.capabilities.write) return run(context)
    assertRefused(() => dualWriteTokenStore({ old: from, new: to }))
  })
}

/** A case of the step in which the new store is read. A store without tombstones cannot take it. */
function readNewCase(
  id: string,
  title: string,
  run: (context: Pick<MigrationContractContext, 'createPair' | 'members'>) => Promise<void>,
): MigrationContractCase {
  return migrationCase(id, title, async (context) => {
    const { from, to } = await context.createPair([])
    if (to.capabilities.tombstone) return run(context)
    assertRefused(() => readNewTokenStore({ old: from, new: to }))
  })
}

/** What servers are promised while a migration goes on. */
export const modeCases: readonly MigrationContractCase[] = [
  dualWriteCase('MG20', 'writes and deletes both stores', async ({ createPair }) => {
    const { from, to } = await createPair([[serviceKey(), apiKey('canary-first')]])
    const store = dualWriteTokenStore({ old: from, new: to })
    assert.equal(await secretOf(store, serviceKey()), 'canary-first')
    await store.set(serviceKey(), apiKey('canary-second'))
    await store.set(userKey('ann'), apiKey('canary-ann'))
    await assertSameContent(from, to)
    assert.equal(await store.delete(userKey('ann')), true)
    await assertSameContent(from, to)
    assert.deepEqual(await listKeys(to), [serviceKey()])
  }),

  dualWriteCase('MG21', 'loses no write and no delete during a copy', async ({ createPair }) => {
    const { from, to } = await createPair(SEED)
    const replicas = [from, from].map((old) => dualWriteTokenStore({ old, new: to }))
    const traffic = SEED.map(async ([key], index) => {
      const replica = replicas[index % 2]
      if (index % 3 === 0) await replica?.set(key, apiKey(`canary-new-${index}`))
      if (index % 3 === 1) await replica?.delete(key)
    })
    const copies = [migrateCredentials({ from, to }), migrateCredentials({ from, to })]
    await Promise.all([...traffic, ...copies])
    for (const [index, [key, input]] of SEED.entries()) {
      const expected = [`canary-new-${index}`, undefined, input.secret][index % 3]
      assert.equal(await secretOf(from, key), expected)
      assert.equal(await secretOf(to, key), expected)
    }
    assert.equal((await migrateCredentials({ from, to })).ok, true)
    await assertSameContent(from, to)
  }),

  dualWriteCase('MG22', 'leaves both equal after parallel writers of one key', async (context) => {
    const { from, to } = await context.createPair([[serviceKey(), apiKey('canary-first')]])
    const replicas = [from, from].map((old) => dualWriteTokenStore({ old, new: to }))
    const writes = Array.from({ length: 10 }, (_, index) =>
      replicas[index % 2]?.set(serviceKey(), apiKey(`canary-${index}`)),
    )
    await Promise.all([...writes, migrateCredentials({ from, to })])
    await assertSameContent(from, to)
  }),

  dualWriteCase('MG23', 'brings nothing back after a return to the old store', async (context) => {
    const { from, to } = await context.createPair(SEED)
    const [gone, marked, again] = [userKey('user-0'), userKey('user-1'), userKey('user-2')]
    await dualWriteTokenStore({ old: from, new: to }).set(serviceKey(), apiKey('canary-both'))
    await migrateCredentials({ from, to })
    // Servers are back at the old store alone, and the new one hears of nothing.
    await from.delete(gone)
    await from.delete(marked, from.capabilities.tombstone ? { tombstone: true } : {})
    await from.delete(again)
    await from.set(again, apiKey('canary-again'))

    const store = dualWriteTokenStore({ old: from, new: to })
    await migrateCredentials({ from, to })
    const left = await verifyMigration({ from, to })
    assert.equal(left.ok, false, 'servers may go on although what was deleted would come back')
    assert.ok(left.counts.extra > 0)
    const repeated = await migrateCredentials({ from, to, prefer: 'from' })
    assert.equal(repeated.ok, true)
    assert.ok(repeated.counts.removed > 0)
    assert.equal((await verifyMigration({ from, to })).ok, true)
    await assertSameContent(from, to)
    assert.equal(await secretOf(to, gone), undefined)
    assert.equal(await secretOf(to, marked), undefined)
    assert.equal(await secretOf(to, again), 'canary-again')
    assert.equal(await secretOf(store, serviceKey()), 'canary-both')
  }),

  dualWriteCase('MG24', 'keeps what only the new store holds unless told', async (context) => {
    const { from, to } = await context.createPair(SEED)
    await migrateCredentials({ from, to })
    await to.set(serviceKey(), apiKey('canary-added'))
    assert.equal((await migrateCredentials({ from, to })).ok, true)
    assert.equal((await migrateCredentials({ from, to, prefer: 'to' })).ok, true)
    const dry = await migrateCredentials({ from, to, prefer: 'from', dryRun: true })
    assert.equal(dry.counts.removed, 1)
    // Servers that read the new store write it alone.
    const { ok, counts } = await verifyMigration({ from, to, prefer: 'to' })
    assert.deepEqual([ok, counts.extra], [true, 1])
    // An old store that holds nothing at all is more likely the wrong one.
    for (const [key] of SEED) await from.delete(key)
    const { ok: emptied, counts: left } = await migrateCredentials({ from, to, prefer: 'from' })
    assert.deepEqual([emptied, left.removed, left.different], [false, 0, SEED.length + 1])
    assert.equal((await listKeys(to)).length, SEED.length + 1)
    assert.equal(await secretOf(to, serviceKey()), 'canary-added')
  }),

  readNewCase('MG30', 'reads the new store, then the old one', async ({ createPair }) => {
    const { from, to } = await createPair(SEED)
    const before = await contentOf(from)
    const store = readNewTokenStore({ old: from, new: to })
    const [replaced, deleted, untouched] = [userKey('user-0'), userKey('user-1'), userKey('user-2')]
    await store.set(replaced, apiKey('canary-replaced'))
    await store.set(serviceKey(), apiKey('canary-added'))
    assert.equal(await store.delete(deleted), true)
    assert.equal(await store.delete(deleted), false)

    assert.equal(await secretOf(store, replaced), 'canary-replaced')
    assert.equal(await secretOf(store, serviceKey()), 'canary-added')
    assert.equal(await secretOf(store, deleted), undefined)
    assert.equal(await secretOf(store, untouched), 'canary-2')
    assert.equal((await listKeys(store)).length, SEED.length)
    // The old store is as it was.
    assert.deepEqual(await contentOf(from), before)
  }),

  readNewCase('MG31', 'brings nothing back that was deleted, in any order', async (context) => {
    const { from, to } = await context.createPair(SEED)
    const store = readNewTokenStore({ old: from, new: to })
    const deletions = SEED.slice(0, 10).map(([key]) => store.delete(key))
    await Promise.all([...deletions, migrateCredentials({ from, to })])
    for (const [index, [key, { secret }]] of SEED.entries()) {
      assert.equal(await secretOf(store, key), index < 10 ? undefined : secret)
    }
    const { counts } = await migrateCredentials({ from, to })
    assert.deepEqual([counts.deleted, counts.present], [10, SEED.length - 10])
    assert.equal((await listKeys(to)).length, SEED.length - 10)
  }),

  readNewCase('MG32', 'keeps what was written in the new store', async ({ createPair }) => {
    const { from, to } = await createPair(SEED)
    const store = readNewTokenStore({ old: from, new: to })
    const writes = SEED.map(([key], index) => store.set(key, apiKey(`canary-new-${index}`)))
    await Promise.all([...writes, migrateCredentials({ from, to, prefer: 'to' })])
    for (const [index, [key]] of SEED.entries()) {
      assert.equal(await secretOf(store, key), `canary-new-${index}`)
    }
  }),

  readNewCase('MG33', 'decides conditions across both stores', async ({ createPair }) => {
    const { from, to } = await createPair([[serviceKey(), apiKey('canary-first')]])
    const store = readNewTokenStore({ old: from, new: to })
    const ifVersion = (await store.get(serviceKey()))?.version ?? ''
    if (!to.capabilities.compareAndSet) {
      await rejectsWith('ERR_STORE_UNSUPPORTED', () =>
        store.set(serviceKey(), apiKey('canary-second'), { ifVersion }),
      )
      return
    }
    await rejectsWith('ERR_STORE_CONFLICT', () =>
      store.set(serviceKey(), apiKey('canary-second'), { ifAbsent: true }),
    )
    // Copied meanwhile, which is no change to whoever read it before.
    await migrateCredentials({ from, to })
    const written = await store.set(serviceKey(), apiKey('canary-second'), { ifVersion })
    await rejectsWith('ERR_STORE_CONFLICT', () =>
      store.set(serviceKey(), apiKey('canary-third'), { ifVersion }),
    )
    assert.equal(await store.delete(serviceKey(), { ifVersion: written.version }), true)
    await store.set(serviceKey(), apiKey('canary-fourth'), { ifAbsent: true })
    assert.equal(await secretOf(store, serviceKey()), 'canary-fourth')
  }),

  readNewCase('MG34', 'X41 answers no old value while the new store is down', async (context) => {
    const { from, to } = await context.createPair([[serviceKey(), apiKey('canary-first')]])
    const down = {
      ...to,
      capabilities: to.capabilities,
      get: () => Promise.reject(new StoreUnavailableError('down')),
    }
    const store = readNewTokenStore({ old: from, new: down })
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.get(serviceKey()))
    const through = readNewTokenStore({ old: from, new: down, readThrough: true })
    assert.equal(await secretOf(through, serviceKey()), 'canary-first')
  }),
]
