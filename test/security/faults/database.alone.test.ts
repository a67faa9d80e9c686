import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type App, openApp, registerApp } from './support/app.js'
import { type MixedLoad, startMixedLoad } from './support/mixed-load.js'
import {
  awaitRecovery,
  expectAlive,
  expectOnlyOutages,
  STORE_MILLISECONDS,
} from './support/recovery.js'
import { engine, isLong, openStage, type Stage } from './support/stage.js'
import { quantile } from './support/verdicts.js'

/** By night as long as the catalogue says. */
const OUTAGE_MILLISECONDS = isLong ? 30_000 : 4_000
const LIMIT = OUTAGE_MILLISECONDS * 2 + 60_000
const APPS = 10
/** What needs no database. */
const UNAFFECTED = ['signed', 'bad', 'none'] as const

let stage: Stage
let load: MixedLoad | undefined
const apps: App[] = []

beforeAll(async () => {
  if (engine === undefined) return
  stage = await openStage()
  const clientId = await registerApp(stage)
  for (let count = 0; count < APPS; count++) apps.push(await openApp(stage, clientId))
}, 120_000)
afterEach(() => load?.stop())
afterAll(() => stage?.close(), 60_000)

async function begin(): Promise<MixedLoad> {
  load = await startMixedLoad(stage, { apps })
  const { answers } = load
  await expect.poll(() => answers.length, { timeout: 20_000 }).toBeGreaterThan(100)
  expect(load.wrong()).toEqual([])
  return load
}

/** Loads two replicas while the database is away, and gives back when it was, and the recovery. */
async function during(take: () => Promise<void>, giveBack: () => Promise<void>) {
  const running = await begin()
  const from = performance.now()
  await take()
  await pause(OUTAGE_MILLISECONDS)
  const until = performance.now()
  await giveBack()
  const recovery = await awaitRecovery(running, performance.now())
  await running.stop()
  expectAlive(stage.replicas)
  return { running, outage: { from, until }, recovery }
}

describe.skipIf(engine === undefined)('two replicas under 100 requests per second', () => {
  it(
    'F01 tell the outage while PostgreSQL is killed, and serve again within 5 s',
    async () => {
      const { running, ...measured } = await during(
        async () => {
          await stage.cluster.kill()
          await stage.database.setMode('refuse')
        },
        async () => {
          await stage.cluster.start()
          await stage.database.setMode('pass')
        },
      )
      expectOnlyOutages(running, {
        ...measured,
        id: 'F01-killed',
        unaffected: UNAFFECTED,
        deadline: STORE_MILLISECONDS,
        method: `PostgreSQL ended by SIGKILL for ${OUTAGE_MILLISECONDS / 1000} s below 100 requests per second to two replicas`,
      })
    },
    LIMIT,
  )

  it(
    'F11 answer in time while packets to PostgreSQL vanish, and leave dead connections',
    async () => {
      const { running, ...measured } = await during(
        () => stage.database.setMode('mute'),
        () => stage.database.setMode('pass'),
      )
      expectOnlyOutages(running, {
        ...measured,
        id: 'F11-mute',
        unaffected: UNAFFECTED,
        deadline: STORE_MILLISECONDS,
        method: `Packets to PostgreSQL dropped without a reset for ${OUTAGE_MILLISECONDS / 1000} s below 100 requests per second to two replicas`,
      })
    },
    LIMIT,
  )

  it(
    'F13 keep the speed of requests without a store while the store is 500 ms away',
    async () => {
      const running = await begin()
      const before = performance.now()
      await pause(OUTAGE_MILLISECONDS / 2)
      stage.database.setLatency(250)
      const from = performance.now()
      await pause(OUTAGE_MILLISECONDS)
      const until = performance.now()
      stage.database.setLatency(0)
      await awaitRecovery(running, performance.now())
      await running.stop()
      expectAlive(stage.replicas)
      const timesOf = (start: number, end: number) =>
        running.between(start, end, 'signed').map(({ milliseconds }) => milliseconds)
      const [usual, slow] = [
        quantile(timesOf(before, from), 0.5),
        quantile(timesOf(from, until), 0.5),
      ]
      process.stderr.write(`[F13] p50 ${usual.toFixed(1)} ms, then ${slow.toFixed(1)} ms\n`)
      expect(running.wrong()).toEqual([])
      expect(running.blamed()).toEqual([])
      // What is less than half of the latency is the machine, not the store.
      expect(slow).toBeLessThan(usual + 250)
    },
    LIMIT,
  )

  it('end with exit code 0 after all of it', async () => {
    const codes = await Promise.all(stage.replicas.splice(0).map((each) => each.kill('SIGTERM')))
    expect(codes).toEqual([0, 0])
  }, 30_000)
})
