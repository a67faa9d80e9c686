import { setTimeout as pause } from 'node:timers/promises'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCleanup } from '../../../examples/coda-mcp/test/support/test-server.js'
import { type App, openApp } from './support/app.js'
import { exchange, rpc } from './support/exchange.js'
import { type Forwarder, startForwarder } from './support/forwarder.js'
import { startMixedLoad } from './support/mixed-load.js'
import { createNames, type Names } from './support/preload.js'
import { awaitRecovery, expectAlive, expectOnlyOutages } from './support/recovery.js'
import { engine, ISSUER, isLong, openStage, type Stage } from './support/stage.js'
import { verdictOf } from './support/verdicts.js'

const OUTAGE_MILLISECONDS = isLong ? 30_000 : 3_000
const APPS = 5
/** Only Linux has all of 127.0.0.0/8. */
const skips = engine === undefined || process.platform !== 'linux'
if (skips)
  process.stderr.write('[F12] skipped: PostgreSQL or a second loopback address is missing\n')

const { add, run } = createCleanup()
let stage: Stage
let names: Names
let first: readonly Forwarder[]
const apps: App[] = []

/** PostgreSQL and the issuer at another address. */
async function moveTo(address: string): Promise<readonly Forwarder[]> {
  const ports = [stage.cluster.port, Number(new URL(stage.issuer.issuer).port)]
  const forwarders = await Promise.all(ports.map((port) => startForwarder(address, port)))
  for (const each of forwarders) add(each)
  return forwarders
}

beforeAll(async () => {
  if (skips) return
  const issuer = createTestIssuer({ ...ISSUER, issuer: 'http://localhost:0' })
  stage = add(await openStage({ replicas: 0, issuer }))
  first = await moveTo('127.0.0.2')
  names = await createNames({ localhost: '127.0.0.2' })
  add(names.preload)
  const database = new URL(stage.cluster.connectionString())
  database.hostname = 'localhost'
  const env = { ...names.preload.env, DATABASE_URL: database.href }
  for (let count = 0; count < 2; count++) await stage.startReplica(env)
  for (let count = 0; count < APPS; count++) apps.push(await openApp(stage))
}, 120_000)
afterAll(run, 60_000)

describe.skipIf(skips)('two replicas whose names of PostgreSQL and of the issuer move', () => {
  it(
    'F12 serve on with the keys they hold while no name has an address, and find the new address without a restart',
    async () => {
      // Without bad tokens, since a bad signature may ask for the keys once in 30 s, which is wanted below.
      const load = await startMixedLoad(stage, { apps, without: ['bad'] })
      await expect.poll(() => load.answers.length, { timeout: 20_000 }).toBeGreaterThan(100)
      names.set({ localhost: 'SERVFAIL' })
      for (const each of first) await each.close()
      const from = performance.now()
      await pause(OUTAGE_MILLISECONDS)
      const until = performance.now()
      await moveTo('127.0.0.3')
      names.set({ localhost: '127.0.0.3' })
      const recovery = await awaitRecovery(load, performance.now())
      await load.stop()
      expectOnlyOutages(load, {
        id: 'F12-names',
        recovery,
        outage: { from, until },
        unaffected: ['signed', 'none'],
        method:
          'The name of PostgreSQL and of the issuer answered by SERVFAIL, then by another address, below 100 requests per second to two replicas',
      })
      expect(load.answers.some(({ verdict }) => verdict === 'outage')).toBe(true)

      // A key that can only be read at the new address, asked for once in 30 s.
      await stage.issuer.rotateKeys({ keepOld: true })
      const token = await stage.issuer.token()
      for (const { url } of stage.replicas) {
        const judge = async () =>
          verdictOf('signed', await exchange(url, rpc(false, token, 'ping')))
        await expect.poll(judge, { timeout: 60_000, interval: 250 }).toBe('right')
      }
      expectAlive(stage.replicas)
    },
    OUTAGE_MILLISECONDS + 90_000,
  )
})
