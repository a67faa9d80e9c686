import { setTimeout as delay } from 'node:timers/promises'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom, planKills } from '../../../store-postgres/test/crash/crash-plans.js'
import type { CrashPlan } from '../../../store-postgres/test/crash/crash-points.js'
import { type TestDatabase, testEngines } from '../../../store-postgres/test/support/engines.js'
import { register } from '../engine/support/flow.js'
import { buildReplicaProgram, type Replica, type ReplicaProgram } from '../replica/replica.js'
import { createLedger, createPerson, type Person } from './person.js'

// Random kills, beside two at every point: 100 of them over 1,000 sign-ins and refreshes nightly, where
// CRASH_KILLS is set; 15 over 150 otherwise. The seed is printed, and CRASH_SEED repeats its kills.
const RANDOM_KILLS = Math.min(100, Number(process.env.CRASH_KILLS ?? 15))
const TURNS_OF_A_KILL = 10
/** Sign-ins and refreshes of `script`. */
const TURNS_OF_SCRIPT = 4
const END_MILLISECONDS = 10_000
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)
const LIMIT = { timeout: 40 * 60_000 }

const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)
const random = createRandom(SEED)
const ledger = createLedger()
const encryptionKeys = generateEncryptionKey()

let home: TestDatabase
let program: ReplicaProgram
let client: pg.Client
let current: Replica
let clientId: string

/** Starts a replica at the same address, with the plan that comes into force with `begin`. */
async function startReplica(plan?: CrashPlan): Promise<void> {
  const port = current === undefined ? undefined : Number(new URL(current.origin).port)
  const { connectionString = '' } = home
  current = await program.start({ connectionString, encryptionKeys, port, crash: { plan } })
}

beforeAll(async () => {
  if (engine === undefined) return
  process.stderr.write(`[crash] seed ${SEED}, ${RANDOM_KILLS} random kills\n`)
  home = await engine.createDatabase()
  client = new pg.Client({ connectionString: home.connectionString })
  await client.connect()
  program = await buildReplicaProgram()
  await startReplica()
  clientId = (await register(current.server)).client_id
}, LIMIT.timeout)

afterAll(async () => {
  await current?.stop()
  await client?.end()
  program?.remove()
  await home?.drop()
})

const newPerson = (): Person => createPerson(() => current.server, clientId, ledger)

/** What every kind of request is part of. */
async function script(person: Person): Promise<void> {
  await person.signIn()
  await person.refresh()
  // The second time in one browser: signed in, and approved.
  await person.signIn()
  await person.refresh()
}

/** What must not be there, whenever a process was killed: kinds of damage with the number of rows. */
async function damages(): Promise<readonly string[]> {
  // What the killed process had sent may still be under way.
  await client.query(`SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'crash-replica'`)
  const { rows } = await client.query(`WITH tokens AS (SELECT * FROM mcp_auth.oauth_tokens)
    SELECT 'grant whose redeemed codes have not one live refresh token each' AS damage,
      count(*)::int AS count FROM (
        SELECT 1 FROM tokens WHERE grant_id IS NOT NULL GROUP BY grant_id
        HAVING count(*) FILTER (WHERE token_type = 'RefreshToken' AND consumed_at IS NULL)
          <> count(*) FILTER (WHERE token_type = 'AuthorizationCode' AND consumed_at IS NOT NULL)
      ) AS grants
    UNION ALL SELECT 'token without its grant', count(*)::int FROM tokens AS token
      WHERE token_type IN ('AccessToken', 'RefreshToken', 'AuthorizationCode', 'RefreshReplay')
        AND NOT EXISTS (SELECT 1 FROM tokens AS held
          WHERE held.token_type = 'Grant' AND held.token_id = token.grant_id)
    UNION ALL SELECT 'grant that was not recorded as approved', count(*)::int FROM tokens AS held
      WHERE token_type = 'Grant' AND NOT EXISTS (SELECT 1 FROM tokens AS facts
        WHERE facts.token_type = 'ConsentFacts' AND facts.token_id = held.token_id)
    UNION ALL SELECT 'spent refresh token without its answer', count(*)::int FROM tokens AS spent
      WHERE token_type = 'RefreshToken' AND consumed_at > now() - interval '60 seconds'
        AND NOT EXISTS (SELECT 1 FROM tokens AS replay
          WHERE replay.token_type = 'RefreshReplay' AND replay.token_id = spent.token_id)
    UNION ALL SELECT 'record that never ends', count(*)::int FROM tokens
      WHERE expires_at IS NULL AND token_type <> 'IdentityFacts'
    UNION ALL SELECT 'second profile', count(*)::int - 1 FROM mcp_auth.user_profiles
    UNION ALL SELECT 'family that was ended', count(*)::int FROM mcp_auth.audit_events
      WHERE event IN ('code.reuse', 'token.reuse')`)
  return rows.filter(({ count }) => count > 0).map(({ damage, count }) => `${damage}: ${count}`)
}

/** Runs until the replica kills itself, and tells where; `undefined` when it does not. */
async function killedDuring(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    // Only a connection that ended is the kill; everything else is for the test to know.
    if (!(error instanceof TypeError)) throw error
    const timeout = delay(END_MILLISECONDS).then(() => Promise.reject(error))
    return Promise.race([current.ended(), timeout])
  }
}

/** Looks at what a kill left, and lets the person go on with a new process, which has the next plan. */
async function takeOver(
  person: Person,
  killedAt: string,
  next: CrashPlan | undefined,
): Promise<void> {
  expect(await damages()).toEqual([])
  await startReplica(next)
  await person.recover(killedAt)
  expect(ledger.doubleSpends()).toEqual([])
}

/** Forgets everybody, so that the next one signs in for the first time. */
async function empty(): Promise<void> {
  await client.query('TRUNCATE mcp_auth.oauth_tokens, mcp_auth.user_profiles')
}

/** Runs the script until the planned point. */
async function killOnce(person: Person, plan: CrashPlan): Promise<string> {
  await empty()
  await current.act('begin')
  const killedAt = await killedDuring(() => script(person))
  if (killedAt !== undefined) return killedAt
  // What a process does once was done while the last person went on.
  await current.stop()
  await empty()
  await startReplica(plan)
  await current.act('begin')
  const second = await killedDuring(() => script(person))
  if (second === undefined) throw new Error('the planned point was not reached')
  return second
}

describe.skipIf(engine === undefined)('a server that is killed at any await of its storage', () => {
  let pointsOfTurn = 0

  it(
    'E22 loses nobody, wherever a sign-in, a consent, an exchange or a refresh ends',
    LIMIT,
    async () => {
      await current.act('begin')
      await script(newPerson())
      const passed = new Map((await current.act('points')) as [string, number][])
      await current.stop()
      const mustHave = [
        'after POST interaction/login/dev: as_user_sign_in',
        'before POST interaction/consent: COMMIT of audit_insert',
        'after POST token code: as_consume',
        'after POST token refresh: COMMIT of as_upsert_3_active_0',
      ]
      expect([...passed.keys()]).toEqual(expect.arrayContaining(mustHave))
      pointsOfTurn = [...passed.values()].reduce((sum, count) => sum + count, 0) / TURNS_OF_SCRIPT

      const plans = planKills(passed, { inPairs: false, randomKills: 0 }, random).flat()
      const kills = new Map<string, number>()
      await startReplica(plans[0])
      for (const [index, plan] of plans.entries()) {
        const person = newPerson()
        try {
          const killedAt = await killOnce(person, plan)
          expect(killedAt).toBe(plan.point)
          kills.set(killedAt, (kills.get(killedAt) ?? 0) + 1)
          await takeOver(person, killedAt, plans[index + 1])
        } catch (cause) {
          throw new Error(`seed ${SEED}: killed at ${JSON.stringify(plan)}`, { cause })
        }
      }
      process.stderr.write(`[crash] ${plans.length} kills at ${passed.size} points\n`)
      const tooFew = [...passed.keys()].filter((point) => (kills.get(point) ?? 0) < 2)
      expect(tooFew).toEqual([])
    },
  )

  it(
    `E22 loses nobody at ${RANDOM_KILLS} random awaits of many sign-ins and refreshes`,
    LIMIT,
    async () => {
      const people = Array.from({ length: 5 }, newPerson)
      // On average the kills are as many turns apart as they are to be.
      const anyPlan = (): CrashPlan => ({
        occurrence: 1 + Math.floor(random() * 2 * TURNS_OF_A_KILL * pointsOfTurn),
      })
      const points: string[] = []
      let turns = 0
      let plan = anyPlan()
      await current.stop()
      await startReplica(plan)
      for (const person of people) await person.signIn()
      await current.act('begin')
      while (points.length < RANDOM_KILLS || turns < RANDOM_KILLS * TURNS_OF_A_KILL) {
        const person = people[Math.floor(random() * people.length)] ?? newPerson()
        const turn = random() < 0.5 ? person.signIn : person.refresh
        turns++
        try {
          const killedAt = await killedDuring(turn)
          if (killedAt === undefined) continue
          points.push(killedAt)
          plan = anyPlan()
          await takeOver(person, killedAt, points.length < RANDOM_KILLS ? plan : undefined)
          await current.act('begin')
        } catch (cause) {
          throw new Error(`seed ${SEED}: kill ${points.length}, turn ${turns}`, { cause })
        }
      }
      process.stderr.write(`[crash] ${points.length} random kills in ${turns} turns\n`)
      for (const person of people) await person.refresh()
      expect(await damages()).toEqual([])
      expect(ledger.doubleSpends()).toEqual([])
    },
  )
})
