import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createCleanup } from '../../../examples/coda-mcp/test/support/test-server.js'
import { recordFigure } from '../support/figures.js'
import { type App, openApp } from './support/app.js'
import { type Exchange, exchange, rpc } from './support/exchange.js'
import { createMovedClock, type MovedClock } from './support/preload.js'
import { expectAlive } from './support/recovery.js'
import { engine, openStage, type Stage } from './support/stage.js'

const MINUTE = 60
const HOUR = 3_600
const DAY = 24 * HOUR
const TEN_YEARS = 3_653 * DAY
/** Tokens signed anew for each look, so that none is known from before. */
const TOKENS = 5

const { add, run } = createCleanup()
let stage: Stage
let clock: MovedClock
let app: App

beforeAll(async () => {
  if (engine === undefined) return
  clock = await createMovedClock()
  stage = add(await openStage({ env: clock.preload.env }))
  add(clock.preload)
  app = await openApp(stage)
}, 120_000)
afterAll(run, 60_000)

const seconds = (): number => Math.floor(Date.now() / 1000)

/** Statuses of a request with each of these tokens at each replica, each once. */
async function statusesOf(...tokens: readonly string[]): Promise<readonly number[]> {
  const answers: Exchange[] = []
  for (const { url } of stage.replicas) {
    for (const token of tokens) answers.push(await exchange(url, rpc(false, token, 'ping')))
  }
  for (const { status, challenge, retryAfter } of answers) {
    if (status === 503) expect([challenge, Number(retryAfter) > 0]).toEqual([undefined, true])
  }
  return [...new Set(answers.map(({ status }) => status))]
}

/** Tokens of somebody new each, good for so long. */
async function newTokens(lifeSeconds: number): Promise<readonly string[]> {
  const claims = (index: number) => ({
    sub: `new-${index}-${Math.random()}`,
    exp: seconds() + lifeSeconds,
  })
  const indexes = Array.from({ length: TOKENS }, (_, index) => index)
  return await Promise.all(indexes.map((index) => stage.issuer.token(claims(index))))
}

/** Statuses of tokens with these times, compared to the real clock. */
async function statusOf(times: Readonly<Record<string, number>>): Promise<readonly number[]> {
  const now = seconds()
  const claims = Object.fromEntries(Object.entries(times).map(([name, at]) => [name, now + at]))
  return statusesOf(await stage.issuer.token(claims))
}

describe.skipIf(engine === undefined)('two replicas whose clocks are wrong', () => {
  // What is signed at the real time, by the clock of the server: 10 s of difference are allowed.
  it.each([
    ['11 s ahead', 11, { good: 200, expired: 401, early: 200 }],
    ['11 s behind', -11, { good: 401, expired: 200, early: 401 }],
    ['an hour ahead', HOUR, { good: 401, expired: 401, early: 401 }],
    ['an hour behind', -HOUR, { good: 401, expired: 401, early: 401 }],
    ['ten years ahead', TEN_YEARS, { good: 401, expired: 401, early: 401 }],
  ])(
    'F08 judge times by their clock when it is %s, and everything is as before when it returns',
    async (_, ahead, expected) => {
      const { access_token: issued } = app.tokens
      expect(await statusesOf(issued)).toEqual([200])
      const other = await openApp(stage)
      const revoked = other.tokens
      await fetch(`${stage.front.origin}/oauth/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: other.clientId, token: revoked.refresh_token }),
      })
      await expect.poll(() => statusesOf(revoked.access_token), { timeout: 20_000 }).toEqual([401])

      await clock.set(stage.replicas, ahead)
      onTestFinished(() => clock.set(stage.replicas, 0))
      const life = { iat: 0, exp: HOUR - MINUTE }
      expect({
        good: await statusOf(life),
        expired: await statusOf({ iat: -MINUTE, exp: -2 }),
        early: await statusOf({ ...life, nbf: 5 }),
      }).toEqual(
        Object.fromEntries(Object.entries(expected).map(([name, status]) => [name, [status]])),
      )
      // Whatever the authorization server says by a wrong clock, it stays up.
      const [answer] = await Promise.all(stage.replicas.map(({ url }) => fetch(`${url}/health`)))
      expect(answer?.status).toBe(200)

      await clock.set(stage.replicas, 0)
      const back = performance.now()
      await expect.poll(() => statusOf(life), { timeout: 20_000, interval: 100 }).toEqual([200])
      // Behind it may be a feed that was last read at a moment that is yet to come.
      await expect.poll(() => statusesOf(issued), { timeout: 20_000 }).toEqual([200])
      const recovery = performance.now() - back
      expect((await app.refresh()).status).toBe(200)
      expect(await statusesOf(revoked.access_token)).toEqual([401])
      recordFigure({
        id: 'R8',
        part: `F08-clock-${ahead}-s`,
        values: { 'milliseconds until full service': Math.round(recovery) },
        isMet: recovery <= 5_000,
        method: `The clocks of two replicas ${ahead} s ahead and back`,
      })
      process.stderr.write(`[F08] ${ahead} s: full service ${recovery.toFixed(0)} ms after\n`)
      expectAlive(stage.replicas)
    },
    120_000,
  )

  it('F02 know their keys for 24 hours without the issuer, and then tell the outage', async () => {
    await clock.set(stage.replicas, 0)
    expect(await statusesOf(...(await newTokens(HOUR)))).toEqual([200])
    const wrong: string[] = []
    let asked = 0
    const fetches = stage.issuer.requests('jwks')
    const steps = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 60, 6 * 60, 12 * 60, 18 * 60, 23 * 60 + 30]
    for (const [index, minutes] of steps.entries()) {
      stage.issuer.respond('jwks', index % 2 === 0 ? 'error-500' : 'reset')
      await clock.set(stage.replicas, minutes * MINUTE)
      const statuses = await statusesOf(...(await newTokens(2 * DAY)))
      asked += TOKENS * stage.replicas.length
      if (statuses.join() !== '200') wrong.push(`${minutes} min: ${statuses}`)
    }
    const during = stage.issuer.requests('jwks') - fetches
    await clock.set(stage.replicas, 24 * HOUR + 20 * MINUTE)
    const late = await statusesOf(...(await newTokens(3 * DAY)))
    stage.issuer.respond('jwks', 'ok')
    const back = performance.now()
    const tokens = await newTokens(3 * DAY)
    await expect
      .poll(() => statusesOf(...tokens), { timeout: 40_000, interval: 100 })
      .toEqual([200])
    const recovery = performance.now() - back
    await clock.set(stage.replicas, 0)
    recordFigure({
      id: 'R5',
      part: 'F02-keys',
      values: {
        'hours without the key set': 23.5,
        'requests of new tokens': asked,
        'wrong outcomes': wrong.length,
      },
      isMet: wrong.length === 0,
      method:
        'Key set answers 500 or resets; the clocks of two replicas are moved, to 10 min by the minute',
    })
    recordFigure({
      id: 'R6',
      part: 'F02-keys',
      values: {
        'fetches of the key set': during,
        requests: asked,
        'moments of time': steps.length,
      },
      // One a replica at each moment, since these are a minute and more apart.
      isMet: during <= steps.length * stage.replicas.length,
      method: 'Fetches that reached the key set while it failed, of two replicas',
    })
    recordFigure({
      id: 'R8',
      part: 'F02-keys',
      values: { 'milliseconds until full service': Math.round(recovery) },
      isMet: recovery <= 5_000,
      method: 'The key set answers again after more than 24 hours',
    })
    process.stderr.write(
      `[F02] ${asked} requests, ${during} fetches, then ${late}, full service after ${recovery.toFixed(0)} ms\n`,
    )
    expect(wrong).toEqual([])
    expect(late).toEqual([503])
    expect(during).toBeGreaterThan(0)
    expect(during).toBeLessThanOrEqual(steps.length * stage.replicas.length)
    expectAlive(stage.replicas)
  }, 240_000)
})
