import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RedirectLogin } from '../../src/login/login-provider.js'
import { createBrowser } from '../engine/support/browser.js'
import { startServer, type TestServer } from '../engine/support/server.js'
import { actionsOf, sessionOf } from './support.js'

const UPSTREAM = 'https://login.test/authorize'
let email = ''

const login: RedirectLogin = {
  kind: 'redirect',
  id: 'one',
  label: 'Upstream',
  async start() {
    const state = crypto.randomUUID()
    const url = new URL(`${UPSTREAM}?state=${state}`)
    return { url, state: { provider: 'one', state, nonce: 'n', codeVerifier: 'v' } }
  },
  async finish() {
    const identity = { provider: 'one', issuer: 'https://one.test', subject: email, email }
    return { kind: 'identity', identity }
  },
}

let server: TestServer

beforeEach(async () => {
  email = 'ann@example.com'
  server = await startServer({ login: [login], allow: { emails: ['ann@example.com'] } })
})
afterEach(() => server.close())

async function leaveFor(browser = createBrowser(server.origin)) {
  const signIn = await browser.open(`${server.origin}/account`)
  const leaving = await signIn.submit('/login/one')
  const state = leaving.location?.searchParams.get('state') ?? ''
  return { browser, leaving, callback: `${server.origin}/oauth/callback?code=c&state=${state}` }
}

describe('/account through an upstream', () => {
  it('goes there after a click, and comes back signed in', async () => {
    const { browser, leaving, callback } = await leaveFor()
    expect(leaving.location?.href.startsWith(UPSTREAM)).toBe(true)
    const page = await browser.open(callback)
    expect([new URL(page.url).pathname, page.status]).toEqual(['/account', 200])
    expect(page.html).toContain('ann@example.com')
    expect((await browser.open(callback)).status).toBe(403)
  })

  it('A50 lets nobody in who is not admitted, with no way into an app', async () => {
    email = 'mallory@example.com'
    const { browser, callback } = await leaveFor()
    const page = await browser.open(callback)
    expect([page.status, actionsOf(page), sessionOf(browser)]).toEqual([403, [], undefined])
  })

  it('login CSRF: does not sign a browser in with the answer of another one', async () => {
    const { callback } = await leaveFor()
    const victim = createBrowser(server.origin)
    await victim.open(`${server.origin}/account`)
    expect((await victim.open(callback)).status).toBe(403)
    expect(sessionOf(victim)).toBeUndefined()
  })
})
