import assert from 'node:assert/strict'
import { finishMigration } from '../../token-store/migration/finish-migration.js'
import { migrateCredentials } from '../../token-store/migration/migrate-credentials.js'
import { readNewTokenStore } from '../../token-store/migration/read-new-token-store.js'
import { verifyMigration } from '../../token-store/migration/verify-migration.js'
import {
  apiKey,
  listKeys,
  serviceKey,
  type TokenStoreSeed,
  userKey,
} from '../token-store-contract/context.js'
import {
  assertSameContent,
  contentOf,
  countTombstones,
  type MigrationContractCase,
  migrationCase,
  observeWrites,
  secretOf,
} from './context.js'

const SEED: TokenStoreSeed = [
  [serviceKey(), apiKey('canary-service')],
  [userKey('ann'), apiKey('canary-ann')],
  [userKey('bob'), apiKey('canary-bob')],
]

/** What the comparison, the end and the way back promise. */
export const endCases: readonly MigrationContractCase[] = [
  migrationCase('MG40', 'compares in both directions and writes nothing', async (context) => {
    const { from, to } = await context.createPair(SEED)
    let writes = 0
    const watched = {
      from: observeWrites(from, () => writes++),
      to: observeWrites(to, () => writes++),
    }
    const missing = await verifyMigration(watched)
    assert.deepEqual([missing.ok, missing.counts.missing], [false, SEED.length])
    await migrateCredentials({ from, to })
    await to.set(serviceKey('extra'), apiKey('canary-extra'))
    await to.set(userKey('ann'), apiKey('canary-changed'))
    const { ok, counts } = await verifyMigration({ ...watched, prefer: 'to' })
    assert.deepEqual([ok, counts.equal, counts.newer, counts.extra], [true, 2, 1, 1])
    const older = await verifyMigration({ ...watched, prefer: 'from' })
    const undeleted = from.capabilities.write ? 1 : 0
    assert.deepEqual([older.ok, older.counts.older], [false, 1])
    assert.deepEqual([older.counts.undeleted, older.counts.extra], [undeleted, 1 - undeleted])
    assert.equal(writes, 0)
  }),

  migrationCase('MG41', 'refuses to finish while anything would be lost', async (context) => {
    const { from, to } = await context.createPair(SEED)
    await migrateCredentials({ from, to })
    await to.delete(userKey('bob'))
    await to.set(serviceKey(), apiKey('canary-changed'))
    const before = [await contentOf(from), await contentOf(to)]
    const { finished, verification, removal } = await finishMigration({ from, to, prefer: 'from' })
    assert.deepEqual([finished, removal], [false, undefined])
    assert.deepEqual(
      [verification.counts.missing, verification.counts.older, verification.counts.equal],
      [1, 1, 1],
    )
    assert.deepEqual([await contentOf(from), await contentOf(to)], before)
  }),

  migrationCase('MG42', 'empties the old store and clears the tombstones', async (context) => {
    const { from, to } = await context.createPair(SEED)
    await migrateCredentials({ from, to })
    const gone = userKey('bob')
    if (to.capabilities.tombstone) await readNewTokenStore({ old: from, new: to }).delete(gone)
    const before = [await contentOf(from), await contentOf(to)]

    const dry = await finishMigration({ from, to, dryRun: true })
    assert.deepEqual([dry.finished, dry.verification.ok], [false, true])
    assert.deepEqual([await contentOf(from), await contentOf(to)], before)

    const { finished, removal } = await finishMigration({ from, to })
    assert.deepEqual(await contentOf(to), before[1])
    if (!from.capabilities.write) {
      // Nobody but a person can remove it there, and until then the tombstones are needed.
      assert.deepEqual([finished, removal?.counts['by-hand']], [false, SEED.length])
      assert.deepEqual(await contentOf(from), before[0])
      assert.equal(await countTombstones(to), to.capabilities.tombstone ? 1 : 0)
      return
    }
    assert.deepEqual([finished, removal?.counts.removed], [true, SEED.length])
    assert.deepEqual(await listKeys(from), [])
    assert.deepEqual([await countTombstones(from), await countTombstones(to)], [0, 0])
    assert.equal((await finishMigration({ from, to })).finished, true)
  }),

  migrationCase('MG43', 'goes back the same way with the stores swapped', async (context) => {
    const { from, to } = await context.createPair(SEED)
    await migrateCredentials({ from, to })
    await to.set(serviceKey(), apiKey('canary-rotated'))
    await to.set(userKey('eve'), apiKey('canary-eve'))
    if (to.capabilities.tombstone) await to.delete(userKey('bob'), { tombstone: true })
    else await to.delete(userKey('bob'))

    const back = { from: to, to: from }
    if (!from.capabilities.write) {
      await assert.rejects(migrateCredentials(back), { code: 'ERR_CONFIGURATION' })
      return
    }
    const report = await migrateCredentials({ ...back, prefer: 'from' })
    assert.equal(report.ok, true)
    assert.equal(await secretOf(from, serviceKey()), 'canary-rotated')
    assert.equal(await secretOf(from, userKey('eve')), 'canary-eve')
    assert.equal(report.counts.removed, 1)
    assert.equal((await verifyMigration(back)).ok, true)
    await assertSameContent(to, from)
  }),
]
