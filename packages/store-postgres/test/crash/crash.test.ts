import { availableParallelism } from 'node:os'
import { credentialDigest, finishMigration } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { keyStatus } from '../../src/keys/key-status.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import { testEngines } from '../support/engines.js'
import { CREDENTIALS, type CrashJob, crashSecret, PARALLEL, runCrashJob } from './crash-job.js'
import { type CrashLane, createCrashLane } from './crash-lane.js'
import { createRandom, type KillOptions, planKills } from './crash-plans.js'
import type { CrashPlan } from './crash-points.js'
import { buildCrashProgram, type CrashProgram, type CrashRun } from './crash-process.js'

// Random kills of the three jobs together, beside those at the points. Nightly: CRASH_KILLS=500. The seed is
// printed, and CRASH_SEED repeats its kills.
const RANDOM_KILLS = Number(process.env.CRASH_KILLS ?? (isLongForm ? 20 : 6))
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)
const LANES = Math.min(2, availableParallelism())
const LIMIT = { timeout: 30 * 60_000 }

const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)
const [oldKey, newKey] = [generateEncryptionKey(), generateEncryptionKey()]
const random = createRandom(SEED)

let program: CrashProgram
const lanes: CrashLane[] = []
const digests = { before: new Map<number, string>(), after: new Map<number, string>() }

beforeAll(async () => {
  if (engine === undefined) return
  process.stderr.write(`[crash] seed ${SEED}, ${RANDOM_KILLS} random kills\n`)
  for (const state of ['before', 'after'] as const) {
    for (let index = 0; index < CREDENTIALS; index++) {
      const secret = crashSecret(index, state)
      digests[state].set(index, await credentialDigest({ kind: 'api-key', secret }))
    }
  }
  program = await buildCrashProgram()
  while (lanes.length < LANES) lanes.push(await createCrashLane(engine, oldKey))
}, LIMIT.timeout)

afterAll(async () => {
  program?.remove()
  for (const lane of lanes) await lane.remove()
}, LIMIT.timeout)

const jobOf = (operation: CrashJob['operation'], keys: string, lane: CrashLane): CrashJob => ({
  operation,
  keys,
  connectionString: lane.connectionString,
})

/** The part of the random kills that the first, second or third job gets. */
const share = (job: 0 | 1 | 2): number => Math.floor((RANDOM_KILLS + job) / 3)

/** A digest of the state that every kill starts from. */
async function fingerprints(columns?: string): Promise<ReadonlyMap<CrashLane, string>> {
  const found = new Map<CrashLane, string>()
  for (const lane of lanes) {
    await lane.reset()
    found.set(lane, await lane.fingerprint('old', columns))
  }
  return found
}

/** Compares as many digests as there are credentials, and says which are wrong. */
function expectDigests(found: ReadonlyMap<number, string>, state: 'before' | 'after'): void {
  const wrong = [...digests[state]].filter(([index, digest]) => found.get(index) !== digest)
  expect({ stored: found.size, wrong }).toEqual({ stored: CREDENTIALS, wrong: [] })
}

/** What is looked at after each kill, and what a last process does after them. */
interface Aftermath {
  /** The lane as the last of the killed processes left it. */
  inspect(lane: CrashLane, killed: readonly CrashRun[]): Promise<void>
  resume(lane: CrashLane): Promise<void>
}

/**
 * Kills a job at its points and at random ones, always from the same state. Every chosen one of the points
 * that an uninterrupted run passes must have been one to die at, as often as was planned.
 */
async function killEverywhere(
  operation: CrashJob['operation'],
  keys: string,
  { mustHave, ...options }: KillOptions & { readonly mustHave: readonly string[] },
  { inspect, resume }: Aftermath,
): Promise<void> {
  const [first] = lanes
  if (first === undefined) throw new Error('no database')
  await first.reset()
  const { passed } = await program.run(jobOf(operation, keys, first))
  expect([...passed.keys()]).toEqual(expect.arrayContaining([...mustHave]))
  const { plans, kills: expected } = planKills(passed, options, random)
  const kills = new Map<string, number>()
  let randomKills = 0

  async function killOnce(lane: CrashLane, plan: readonly CrashPlan[]): Promise<void> {
    await lane.reset()
    const killed: CrashRun[] = []
    for (const kill of plan) {
      const run = await program.run(jobOf(operation, keys, lane), kill)
      if (run.killedAt === undefined) throw new Error('the planned point was not reached')
      if (kill.point === undefined) randomKills++
      else kills.set(run.killedAt, (kills.get(run.killedAt) ?? 0) + 1)
      killed.push(run)
      await inspect(lane, killed)
    }
    await resume(lane)
  }

  async function work(lane: CrashLane): Promise<void> {
    for (let plan = plans.shift(); plan !== undefined; plan = plans.shift()) {
      try {
        await killOnce(lane, plan)
      } catch (cause) {
        // The other lane stops too.
        plans.length = 0
        throw new Error(`seed ${SEED}: ${operation} killed at ${JSON.stringify(plan)}`, { cause })
      }
    }
  }

  await Promise.all(lanes.map(work))
  const planned = [...kills.values()].reduce((sum, count) => sum + count, 0)
  process.stderr.write(
    `[crash] ${operation}: ${planned} kills at ${kills.size} of ${passed.size} points, ${randomKills} random ones\n`,
  )
  expect({ kills, randomKills }).toEqual({ kills: expected, randomKills: options.randomKills })
  recordFigure({
    id: 'R11',
    part: `store-${operation}`,
    values: {
      kills: planned + randomKills,
      'points killed at': kills.size,
      'lost or duplicated': 0,
    },
    isMet: true,
    method:
      'A process is killed at its awaits and at random ones; 1,000 digests are compared after each.',
    seed: SEED,
  })
}

describe.skipIf(engine === undefined)('a process that is killed at any await', () => {
  it(
    'of migrate: the next run completes, and the source is untouched until finish',
    LIMIT,
    async () => {
      const mustHave = ['after from.get', 'before to.set', 'after to credential_put_absent']
      const sources = await fingerprints()
      await killEverywhere(
        'migrate',
        oldKey,
        { inPairs: true, randomKills: share(0), mustHave },
        {
          async inspect(lane) {
            // What is there already is right, so that a server may read it.
            for (const [index, digest] of await lane.digests('new', oldKey)) {
              expect(digest).toBe(digests.before.get(index))
            }
            expect(await lane.fingerprint('old')).toBe(sources.get(lane))
          },
          async resume(lane) {
            expect(await runCrashJob(jobOf('migrate', oldKey, lane))).toMatchObject({ ok: true })
            expectDigests(await lane.digests('new', oldKey), 'before')
            expect(await lane.fingerprint('old')).toBe(sources.get(lane))
          },
        },
      )

      for (const lane of lanes) {
        await lane.reset()
        await runCrashJob(jobOf('migrate', oldKey, lane))
        const { database } = lane
        const storeOf = (namespace: string) =>
          postgresTokenStore({ database, encryptionKeys: oldKey, namespace, auditReads: 'off' })
        const stores = { from: storeOf('old'), to: storeOf('new'), concurrency: PARALLEL }
        expect(await finishMigration(stores)).toMatchObject({ finished: true })
        expect((await lane.digests('old', oldKey)).size).toBe(0)
        expectDigests(await lane.digests('new', oldKey), 'before')
      }
      recordFigure({
        id: 'R12',
        part: 'postgres',
        values: {
          'digests compared': CREDENTIALS,
          'digests that differ': 0,
          'changes of the source': 0,
        },
        isMet: true,
        method:
          'A migration of 1,000 credentials is killed at every await; digests and the source are compared before it is finished.',
        seed: SEED,
      })
    },
  )

  it(
    'of rotate: the next run completes, and every credential is readable all the time',
    LIMIT,
    async () => {
      const keys = `${newKey},${oldKey}`
      const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys }) })
      const mustHave = ['after keys_insert', 'before COMMIT of rewrap_credentials', 'after wrap']
      // All that a rotation leaves as it is.
      const rest = '(key_digest, version, payload, updated_at, changed_at)'
      const unrotated = await fingerprints(rest)
      await killEverywhere(
        'rotate',
        keys,
        { inPairs: false, randomKills: share(1), mustHave },
        {
          async inspect(lane) {
            expectDigests(await lane.digests('old', keys), 'before')
          },
          async resume(lane) {
            const result = await runCrashJob(jobOf('rotate', keys, lane))
            expect(result).toMatchObject({ failed: [], skipped: 0, remaining: 0 })
            // Without the old key: it can be dropped.
            expectDigests(await lane.digests('old', newKey), 'before')
            expect(await lane.fingerprint('old', rest)).toBe(unrotated.get(lane))
            expect(await keyStatus(lane.database, codec)).toMatchObject([
              { records: CREDENTIALS, current: true },
              { records: 0, current: false, safeToDrop: true },
            ])
          },
        },
      )
    },
  )

  it('of set: what was acknowledged is stored, and nothing is in between', LIMIT, async () => {
    const mustHave = [
      'after store.set',
      'before store credential_put',
      'after store credential_put_version',
    ]
    await killEverywhere(
      'set',
      oldKey,
      { inPairs: true, randomKills: share(2), mustHave },
      {
        async inspect(lane, killed) {
          const found = await lane.digests('old', oldKey)
          const numbersOf = (state: 'before' | 'after') =>
            [...digests[state]].flatMap(([index, digest]) =>
              found.get(index) === digest ? [index] : [],
            )
          const replaced = new Set(numbersOf('after'))
          expect(replaced.size + numbersOf('before').length).toBe(CREDENTIALS)
          const acknowledged = new Set(killed.flatMap((run) => [...run.acknowledged]))
          expect([...acknowledged].filter((index) => !replaced.has(index))).toEqual([])
          // Only what was under way may be stored without an answer.
          expect(replaced.size - acknowledged.size).toBeLessThanOrEqual(PARALLEL * killed.length)
        },
        async resume(lane) {
          await runCrashJob(jobOf('set', oldKey, lane))
          expectDigests(await lane.digests('old', oldKey), 'after')
        },
      },
    )
  })
})
