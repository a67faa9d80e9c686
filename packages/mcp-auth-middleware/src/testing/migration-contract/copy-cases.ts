// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { StoreUnavailableError } from '../../errors.js'
import { migrateCredentials } from '../../token-store/migration/migrate-credentials.js'
import { MigrationInterruptedError } from '../../token-store/migration/migration-report.js'
import { verifyMigration } from '../../token-store/migration/verify-migration.js'
import type { CredentialInput } from '../../token-store/token-store.js'
import {
  apiKey,
  serviceKey,
  type TokenStoreSeed,
  userKey,
} from '../token-store-contract/context.js'
import {
  assertSameContent,
  contentOf,
  type MigrationContractCase,
  type MigrationContractContext,
  migrationCase,
  observeWrites,
} from './context.js'

const MANY = 200

const AWKWARD = ['x', 'first\nsecond', 'a${HOME}b', '{"secret":"inner"}', '\u00e9 e\u0301', 'YQ==']

function credentialNumber(
  index: number,
  members: MigrationContractContext['members'],
): CredentialInput {
  const secret = `canary-${index} ${AWKWARD[index % AWKWARD.length]}`
  const holds = (member: 'refreshToken' | 'expiresAt' | 'scopes' | 'metadata') =>
    members === undefined || members.includes(member)
  if (!holds('refreshToken') || index % 2 === 0) return { kind: 'api-key', secret }
  return {
    kind: 'oauth2',
    secret,
    refreshToken: `canary-refresh-${index}`,
    ...(holds('expiresAt') && { expiresAt: 4_102_444_800 + index }),
    ...(holds('scopes') && { scopes: ['docs.read', `docs:${index}`] }),
    ...(holds('metadata') && { metadata: { zone: `z${index}`, account: 'Ann \u00e9' } }),
  }
}

function manySeed(members: MigrationContractContext['members']): TokenStoreSeed {
  return Array.from({ length: MANY }, (_, index) => {
    const key = index === 0 ? serviceKey() : userKey(`user ${index}/\u{1F600}`)
    return [key, credentialNumber(index, members)] as const
  })
}

const FEW: TokenStoreSeed = [
  [serviceKey(), apiKey('canary-service')],
  [userKey('ann'), apiKey('canary-ann')],
  [serviceKey('other'), apiKey('canary-other')],
]

/** What the copy itself promises. */
export const copyCases: readonly MigrationContractCase[] = [
  migrationCase('MG01', 'X35 copies 200 credentials with equal digests', async (context) => {
    const { from, to } = await context.createPair(manySeed(context.members))
    const before = await contentOf(from)
    assert.equal(before.size, MANY)
    const report = await migrateCredentials({ from, to })
    assert.deepEqual(
      [report.ok, report.total, report.counts.copied, report.entries.length],
      [true, MANY, MANY, MANY],
    )
    await assertSameContent(from, to)
    assert.deepEqual(await contentOf(from), before)
    assert.equal((await verifyMigration({ from, to })).counts.equal, MANY)
  }),

  migrationCase('MG02', 'X38 writes nothing in a dry run and foresees the run', async (context) => {
    const { from, to } = await context.createPair(FEW)
    await migrateCredentials({ from, to, provider: 'other' })
    const before = [await contentOf(from), await contentOf(to)]
    let writes = 0
    const watched = {
      from: observeWrites(from, () => writes++),
      to: observeWrites(to, () => writes++),
    }
    const foreseen = await migrateCredentials({ ...watched, dryRun: true })
    assert.equal(writes, 0)
    assert.deepEqual([await contentOf(from), await contentOf(to)], before)
    assert.equal(foreseen.dryRun, true)
    assert.deepEqual((await migrateCredentials({ from, to })).counts, foreseen.counts)
    assert.deepEqual([foreseen.counts.copied, foreseen.counts.present], [2, 1])
  }),

  migrationCase('MG03', 'writes nothing when it is run again', async ({ createPair }) => {
    const { from, to } = await createPair(FEW)
    await migrateCredentials({ from, to })
    const before = await contentOf(to)
    let writes = 0
    const again = await migrateCredentials({ from, to: observeWrites(to, () => writes++) })
    assert.deepEqual([writes, again.ok, again.counts.present], [0, true, FEW.length])
    assert.deepEqual(await contentOf(to), before)
  }),

  migrationCase('MG04', 'stops at an outage with a report and goes on later', async (context) => {
    const { from, to } = await context.createPair(manySeed(context.members))
    let writes = 0
    const failing = observeWrites(to, () => {
      if (++writes > MANY / 2) throw new StoreUnavailableError('down')
    })
    await assert.rejects(migrateCredentials({ from, to: failing }), (error) => {
      assert.ok(error instanceof MigrationInterruptedError)
      assert.equal(error.code, 'ERR_STORE_UNAVAILABLE')
      const { entries, ok, total } = error.report
      assert.deepEqual([ok, total, entries.length > 0], [false, MANY, true])
      return true
    })
    const { counts } = await migrateCredentials({ from, to })
    assert.deepEqual([counts.copied, counts.present], [MANY / 2, MANY / 2])
    await assertSameContent(from, to)
  }),

  migrationCase('MG05', 'refuses unresolved and masked values, key by key', async (context) => {
    const { from, to } = await context.createPair([[serviceKey('other'), apiKey('canary-good')]])
    // A read-only store refuses such values itself.
    if (!from.capabilities.write) return
    const refused = ['${CODA_API_TOKEN}', '{{ secret }}', '********', ' ']
    for (const [index, text] of refused.entries()) {
      await from.set(userKey(`user-${index}`), apiKey(text))
    }
    const { ok, counts, entries } = await migrateCredentials({ from, to })
    assert.deepEqual([ok, counts.refused, counts.copied], [false, refused.length, 1])
    const reasons = entries
      .filter(({ outcome }) => outcome === 'refused')
      .map((each) => each.reason)
    assert.ok(reasons.every((reason) => reason !== undefined && !refused.includes(reason)))
    assert.equal((await contentOf(to)).size, 1)
  }),

  migrationCase('MG06', 'copies only what the upstream accepts', async ({ createPair }) => {
    const { from, to } = await createPair(FEW)
    const probe = ({ secret }: { secret: string }) => {
      if (secret === 'canary-other') throw new Error('canary-other was refused')
      return secret !== 'canary-ann'
    }
    const { ok, counts } = await migrateCredentials({ from, to, probe })
    assert.deepEqual([ok, counts['probe-failed'], counts.copied], [false, 2, 1])
    assert.equal(await to.get(userKey('ann')), undefined)
    assert.equal((await migrateCredentials({ from, to })).counts.copied, 2)
  }),

  migrationCase('MG07', 'X40 reports names and counts, no value', async ({ createPair }) => {
    const { from, to } = await createPair(FEW)
    const report = await migrateCredentials({ from, to })
    const verification = await verifyMigration({ from, to, includeOwners: true })
    const text = JSON.stringify([report, verification]) + inspect(report, { depth: 9 })
    assert.ok(!text.includes('canary'))
    for (const { digest } of (await contentOf(from)).values()) assert.ok(!text.includes(digest))
    assert.ok(!JSON.stringify(report).includes('ann'))
    assert.ok(JSON.stringify(verification).includes('"ann"'))
    const digests = new Set(report.entries.map(({ keyDigest }) => keyDigest))
    assert.equal(digests.size, FEW.length)
  }),

  migrationCase('MG08', 'resolves a difference as told and never by a guess', async (context) => {
    const { from, to } = await context.createPair(FEW)
    await to.set(serviceKey(), apiKey('canary-changed'))
    const dry = async (prefer: 'from' | 'to') =>
      (await migrateCredentials({ from, to, prefer, dryRun: true })).counts
    assert.deepEqual([(await dry('from')).updated, (await dry('to')).kept], [1, 1])

    const byTime = await migrateCredentials({ from, to })
    // What was written in the new store last is not replaced, whatever the clocks can tell.
    assert.equal((await to.get(serviceKey()))?.secret, 'canary-changed')
    assert.equal(byTime.counts.kept + byTime.counts.different, 1)
    if (!from.capabilities.write) assert.equal(byTime.counts.different, 1)

    const { counts, ok } = await migrateCredentials({ from, to, prefer: 'from' })
    assert.deepEqual([ok, counts.updated], [true, 1])
    await assertSameContent(from, to)
  }),
]
