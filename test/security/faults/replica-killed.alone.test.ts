import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createBrowser,
  type Page,
} from '../../../packages/authorization-server/test/engine/support/browser.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
} from '../../../packages/authorization-server/test/engine/support/flow.js'
import { recordFigure } from '../support/figures.js'
import { openApp, registerApp, serverAt } from './support/app.js'
import { expectAlive } from './support/recovery.js'
import { engine, openStage, PASTED_TOKEN, type Stage } from './support/stage.js'

const WAITING = `SELECT count(*)::int AS waiting FROM pg_locks
  WHERE NOT granted AND relation = 'mcp_auth.oauth_tokens'::regclass`

/** How far somebody has come. */
type Step = 'login' | 'consent' | 'code redemption'

let stage: Stage
let client: pg.Client
let clientId: string
const counts = { kills: 0, wentOn: 0, beganAgain: 0 }

beforeAll(async () => {
  if (engine === undefined) return
  stage = await openStage()
  client = new pg.Client({ connectionString: stage.cluster.connectionString() })
  await client.connect()
  clientId = await registerApp(stage)
}, 120_000)
afterAll(async () => {
  await client?.end()
  await stage?.close()
}, 60_000)

/**
 * Sends a request to one replica alone, and kills that one while PostgreSQL makes it wait for a lock: the
 * request has begun and is not committed. The other replica takes its place.
 */
async function killDuring(run: () => Promise<unknown>): Promise<void> {
  const [killed, other] = stage.replicas
  if (killed === undefined || other === undefined) throw new Error('not two replicas')
  stage.front.remove(other)
  await client.query('BEGIN; LOCK TABLE mcp_auth.oauth_tokens IN EXCLUSIVE MODE')
  const lost = run().catch(() => undefined)
  const isWaiting = async () => (await client.query(WAITING)).rows[0]?.waiting > 0
  try {
    await expect.poll(isWaiting, { timeout: 20_000, interval: 5 }).toBe(true)
    await killed.kill('SIGKILL')
  } finally {
    await client.query('ROLLBACK')
  }
  stage.front.remove(killed)
  stage.front.add(other)
  await lost
  stage.replicas.shift()
  counts.kills++
}

/** Presses what leads on until the app has a code; `undefined` where the page leads nowhere. */
async function goOn(from: Page): Promise<string | undefined> {
  let page = from
  while (page.location === undefined) {
    if (page.status !== 200) return undefined
    if (page.html.includes('/connect"')) {
      page = await page.submit('/connect', { api_token: PASTED_TOKEN })
    } else if (page.html.includes('/consent"')) page = await page.submit('/consent')
    else return undefined
  }
  return page.location.searchParams.get('code') ?? undefined
}

/** Signs in, with a replica killed under one step, asks again, and returns what became of it. */
async function signInWith(step: Step): Promise<'went on' | 'began again'> {
  const { origin } = stage.front
  const { verifier, challenge } = createVerifier()
  const browser = createBrowser(origin)
  const start = await browser.open(authorizeUrl(serverAt(origin), clientId, challenge))
  const leave = await start.submit('/login/oidc')
  if (leave.location === undefined) throw new Error('not sent to the provider')
  const callback = stage.provider.authorize(leave.location).href
  if (step === 'login') await killDuring(() => browser.open(callback))
  let page = await browser.open(callback)
  if (step === 'consent') {
    if (page.html.includes('/connect"')) {
      page = await page.submit('/connect', { api_token: PASTED_TOKEN })
    }
    const asked = page
    await killDuring(() => asked.submit('/consent'))
  }
  const code = await goOn(page)
  if (code === undefined) {
    await openApp(stage, clientId)
    return 'began again'
  }
  const form = codeForm(clientId, { code, verifier, browser })
  const redeem = () => postToken(serverAt(stage.front.origin), form)
  if (step === 'code redemption') await killDuring(redeem)
  const first = await redeem()
  const second = await redeem()
  // Once at most, whoever died over it.
  expect([second.status, second.body.error]).toEqual([400, 'invalid_grant'])
  if (first.status === 200) return 'went on'
  expect([first.status, first.body.error]).toEqual([400, 'invalid_grant'])
  await openApp(stage, clientId)
  return 'began again'
}

describe.skipIf(engine === undefined)('one of two replicas that is killed', () => {
  it.each<Step>(['login', 'consent', 'code redemption'])(
    'F16 during %s: the other finishes or the person starts again, and nothing is spent twice',
    async (step) => {
      if (stage.replicas.length < 2) await stage.startReplica()
      const outcome = await signInWith(step)
      if (outcome === 'went on') counts.wentOn++
      else counts.beganAgain++
      process.stderr.write(`[F16] ${step}: ${outcome}\n`)
      // What the provider answered is used at most once as well.
      const codes = stage.provider.tokenRequests.map(({ form }) => form.get('code_verifier'))
      expect(new Set(codes).size).toBe(codes.length)
      await openApp(stage, clientId)
      expectAlive(stage.replicas)
    },
    120_000,
  )

  it('F16 loses nobody over all of it', () => {
    recordFigure({
      id: 'R10',
      part: 'F16-replica-killed',
      values: {
        kills: counts.kills,
        'sign-ins that went on': counts.wentOn,
        'sign-ins that began again': counts.beganAgain,
        'codes redeemed twice': 0,
        'people locked out': 0,
      },
      isMet: counts.wentOn + counts.beganAgain === counts.kills,
      method:
        'One of two replicas ended by SIGKILL in the middle of a login, a consent and a code redemption, each held by a lock',
    })
    expect(counts.wentOn + counts.beganAgain).toBe(counts.kills)
  })
})
