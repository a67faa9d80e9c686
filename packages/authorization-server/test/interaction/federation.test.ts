import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LoginResult, RedirectLogin, RedirectState } from '../../src/login/login-provider.js'
import { createBrowser } from '../engine/support/browser.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  refresh,
  register,
} from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

const UPSTREAM = 'https://login.test/authorize'
let result: LoginResult
let finished: RedirectState[] = []

function fakeLogin(id: string, issuer: string): RedirectLogin {
  return {
    kind: 'redirect',
    id,
    label: `Upstream ${id}`,
    async start(redirectUri) {
      const state = `state-${id}-${Math.random().toString(36).slice(2)}`
      const url = new URL(UPSTREAM)
      url.search = new URLSearchParams({ state, redirect_uri: redirectUri }).toString()
      return { url, state: { provider: id, state, nonce: 'n', codeVerifier: 'v' } }
    },
    async finish(_url, state) {
      finished.push(state)
      if (result.kind !== 'identity') return result
      return { kind: 'identity', identity: { ...result.identity, provider: id, issuer } }
    },
  }
}

let server: TestServer
let client: string
const { challenge, verifier } = createVerifier()

beforeAll(async () => {
  server = await startServer({
    login: [fakeLogin('one', 'https://one.test'), fakeLogin('two', 'https://two.test')],
    allow: { emails: ['ann@example.com'] },
  })
  client = (await register(server)).client_id
})
afterAll(() => server.close())
beforeEach(() => {
  finished = []
  result = identity('ann@example.com')
})

function identity(email: string | undefined, subject = 'sub-ann'): LoginResult {
  return {
    kind: 'identity',
    identity: { provider: '', issuer: '', subject, email, name: 'Ann' },
  }
}

async function startSignIn(browser = createBrowser(server.origin), id = 'one') {
  const page = await browser.open(authorizeUrl(server, client, challenge))
  const leaving = await page.submit(`/login/${id}`)
  const state = leaving.location?.searchParams.get('state') ?? ''
  return { browser, page, leaving, state, callback: `/oauth/callback?code=c&state=${state}` }
}

describe('federation', () => {
  it('A27 shows who asks before any redirect to an upstream, and consent after it', async () => {
    const { page, leaving, browser, callback } = await startSignIn()
    expect(page.html).toContain('Test app')
    expect(page.html).toContain('app.test')
    expect(leaving.location?.href.startsWith(UPSTREAM)).toBe(true)
    expect(leaving.location?.searchParams.get('redirect_uri')).toBe(
      `${server.origin}/oauth/callback`,
    )
    const consent = await browser.open(callback)
    expect(consent.html).toContain('ann@example.com')
    const done = await consent.submit('/consent')
    const code = done.location?.searchParams.get('code') ?? ''
    const tokens = await postToken(server, codeForm(client, { code, verifier, browser }))
    expect(tokens.status).toBe(200)
  })

  it('A28 gives nothing to a browser that was handed the address of the upstream', async () => {
    const { callback } = await startSignIn()
    const victim = createBrowser(server.origin)
    expect((await victim.request(callback)).status).toBe(403)
    await victim.open(authorizeUrl(server, client, challenge))
    expect((await victim.request(callback)).status).toBe(403)
    expect(finished).toEqual([])
  })

  it('A45 refuses a state that is missing, wrong, repeated, used or old', async () => {
    const { browser, callback, state } = await startSignIn()
    for (const query of ['code=c', 'code=c&state=wrong', `code=c&state=${state}&state=${state}`]) {
      expect((await browser.request(`/oauth/callback?${query}`)).status).toBe(403)
    }
    expect((await browser.request(callback)).status).toBe(303)
    expect((await browser.request(callback)).status).toBe(403)
    expect(finished).toHaveLength(1)
    const second = await startSignIn()
    server.advance(601)
    expect((await second.browser.request(second.callback)).status).toBe(403)
  })

  it('A46 shows a page and makes no session for an answer that is not valid', async () => {
    const { browser, callback } = await startSignIn()
    result = { kind: 'invalid', reason: 'nonce' }
    const page = await browser.open(callback)
    expect([page.status, page.location]).toEqual([400, undefined])
    expect([...browser.cookies.keys()].some((key) => key.startsWith('mcp_auth_session'))).toBe(
      false,
    )
  })

  it('A47 leads back to the client with access_denied and nothing of the upstream', async () => {
    const { browser, callback } = await startSignIn()
    result = { kind: 'denied', reason: 'access_denied' }
    const denied = await browser.open(`${callback}&error_description=%3Cscript%3E`)
    expect(denied.status).toBe(403)
    expect(denied.html).not.toContain('<script>')
    const back = await denied.submit('/deny')
    expect(back.location?.searchParams.get('error')).toBe('access_denied')
    expect(back.location?.searchParams.get('error_description')).toBe('the request was declined')
  })

  it('answers 503 when the upstream cannot be asked', async () => {
    const { browser, callback } = await startSignIn()
    result = { kind: 'unavailable', reason: 'timeout' }
    expect((await browser.request(callback)).status).toBe(503)
  })

  it.each([
    ['not in the list', 'eve@example.com'],
    ['of a longer domain', 'ann@example.com.test'],
    ['that is missing', undefined],
  ])('A50 refuses an address %s', async (_, email) => {
    const { browser, callback } = await startSignIn()
    result = identity(email, 'sub-eve')
    const page = await browser.open(callback)
    expect([page.status, page.location]).toEqual([403, undefined])
  })

  it('A52 keeps the same address of two upstreams as two people', async () => {
    const ids = new Set<string>()
    for (const id of ['one', 'two']) {
      const { browser, callback } = await startSignIn(createBrowser(server.origin), id)
      await (await browser.open(callback)).submit('/consent')
    }
    for (const user of server.storage.state.users.values()) {
      if (user.email === 'ann@example.com') ids.add(`${user.providerIssuer} ${user.userId}`)
    }
    expect(ids.size).toBe(2)
  })

  it('asks for a new sign-in 90 days after the last one, without ending the family', async () => {
    const { browser, callback } = await startSignIn()
    const done = await (await browser.open(callback)).submit('/consent')
    const code = done.location?.searchParams.get('code') ?? ''
    const { body } = await postToken(server, codeForm(client, { code, verifier, browser }))
    let token = body.refresh_token
    for (let step = 0; step < 4; step += 1) {
      server.advance(20 * 86_400)
      const next = await refresh(server, client, token)
      expect(next.status).toBe(200)
      token = next.body.refresh_token
    }
    server.advance(11 * 86_400)
    const late = await refresh(server, client, token)
    expect([late.status, late.body.error]).toEqual([400, 'invalid_grant'])
    expect(server.storage.state.audit.some(({ event }) => event === 'token.reuse')).toBe(false)
  })
})
