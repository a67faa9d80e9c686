import { memoryTokenStore } from '@bestviable/mcp-auth-middleware'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { createBrowser } from '../engine/support/browser.js'
import { callMcp, obtainTokens } from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'
import { actionsOf, openAccount, openAdmin, postForm, sessionOf, tokenOf } from './support.js'

let server: TestServer

beforeEach(async () => {
  server = await startServer()
})
afterEach(() => server.close())

const ANN = 'ann@example.com'
const BOB = 'bob@example.com'
const stateOf = () => JSON.stringify([[...server.storage.state.users], server.storage.state.audit])

describe('whose things /account changes', () => {
  it('IDOR: does not end the app of another user, with whatever token', async () => {
    const { tokens } = await obtainTokens(server, { subject: 'bob' })
    await obtainTokens(server)
    const [app] = await server.as.sessions.list({ user: BOB })
    const { browser, page } = await openAccount(server)
    const path = `/account/apps/${app?.sessionId}/revoke`
    const own = actionsOf(page).find((action) => action.includes('/apps/')) ?? ''
    for (const token of [tokenOf(page, own), 'x'.repeat(43), '']) {
      const answer = await postForm(server, browser, path, { csrf_token: token })
      expect(answer.status).toBe(403)
    }
    expect(await callMcp(server, tokens.access_token)).toBe(200)
  })

  it('IDOR: takes an own form for nobody else, also when the session is exchanged', async () => {
    await obtainTokens(server)
    const { page } = await openAccount(server)
    const bob = await openAccount(server, 'bob')
    const own = actionsOf(page).find((action) => action.includes('/apps/')) ?? ''
    // Even with the browser cookie of the first page, the form is of another session.
    const answer = await postForm(server, bob.browser, own, { csrf_token: tokenOf(page, own) })
    expect(answer.status).toBe(403)
    expect(await server.as.sessions.list({ user: ANN })).toHaveLength(1)
  })

  it('has no credentials of other users, and none of unknown providers', async () => {
    const credentials = memoryTokenStore()
    const connect = apiTokenLogin({
      id: 'coda',
      label: 'Coda API token',
      issuer: 'https://coda.io',
      verify: async () => ({ subject: 'x' }),
    })
    await server.close()
    server = await startServer({ connect, connectOptional: true, credentials })
    await openAccount(server, 'bob')
    const subject = (await server.as.users.find(BOB))?.userId ?? ''
    const key = {
      provider: 'coda',
      owner: { kind: 'user', issuer: server.origin, subject },
    } as const
    await credentials.set(key, { kind: 'api-key', secret: 'canary-bob' })
    const { page } = await openAccount(server)
    const actions = actionsOf(page).filter((action) => action.includes('/credentials/'))
    expect(actions).toEqual(['/account/credentials/coda/replace'])
    const after = await page.submit('/credentials/coda/replace', { api_token: 'canary-ann' })
    await after.submit('/credentials/coda/remove')
    expect((await credentials.get(key))?.secret).toBe('canary-bob')
  })
})

describe('forged requests to /account', () => {
  it.each([
    ['another origin', { origin: 'https://evil.test' }],
    ['no origin', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the site', { 'sec-fetch-site': 'same-site' }],
  ])('CSRF: refuses a form from %s', async (_, headers) => {
    await obtainTokens(server)
    const { browser, page } = await openAccount(server)
    const own = actionsOf(page).find((action) => action.includes('/apps/')) ?? ''
    const fields = { csrf_token: tokenOf(page, own) }
    expect((await postForm(server, browser, own, fields, headers)).status).toBe(403)
    expect((await postForm(server, browser, own, fields)).status).toBe(303)
  })

  it('CSRF: refuses a form without its token, and one of a session that has ended', async () => {
    await obtainTokens(server)
    const { browser, page } = await openAccount(server)
    const own = actionsOf(page).find((action) => action.includes('/apps/')) ?? ''
    const token = tokenOf(page, own)
    expect((await postForm(server, browser, own, {})).status).toBe(403)
    await page.submit('/sign-out')
    expect((await postForm(server, browser, own, { csrf_token: token })).status).toBe(403)
    await openAccount(server, 'ann', browser)
    expect((await postForm(server, browser, own, { csrf_token: token })).status).toBe(403)
    expect(await server.as.sessions.list({ user: ANN })).toHaveLength(1)
  })

  it('changes nothing by GET, whatever the path', async () => {
    await obtainTokens(server)
    await openAccount(server, 'bob')
    const { browser, page } = await openAdmin(server)
    const before = stateOf()
    for (const action of actionsOf(page)) {
      const answer = await browser.request(`${server.origin}${action}`)
      expect([action, answer.status]).toEqual([action, 404])
    }
    expect((await browser.request(`${server.origin}/account`, { method: 'PUT' })).status).toBe(405)
    expect(stateOf()).toBe(before)
    expect(await server.as.sessions.list({ user: ANN })).toHaveLength(1)
  })

  it('A40 can be shown in no frame, and is kept by nobody', async () => {
    const { page } = await openAccount(server)
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('cache-control')).toContain('no-store')
    expect(page.headers.get('access-control-allow-origin')).toBeNull()
  })

  it.each(['https://evil.test', '//evil.test', '/\\evil.test'])(
    'A65 goes back to /account and not to %s',
    async (target) => {
      const browser = createBrowser(server.origin)
      const query = new URLSearchParams({ return_to: target, returnTo: target, notice: target })
      const signIn = await browser.open(`${server.origin}/account?${query}`)
      const page = await signIn.submit('/login/dev', { subject: 'ann', return_to: target })
      expect(page.url).toBe(`${server.origin}/account`)
      expect(page.html).not.toContain('evil.test')
    },
  )
})

describe('sessions of /account', () => {
  it('fixation: gives a new id at sign-in, and leaves none of the old one', async () => {
    const browser = createBrowser(server.origin)
    await openAccount(server, 'ann', browser)
    const planted = sessionOf(browser) ?? ''
    const victim = createBrowser(server.origin)
    victim.cookies.set('mcp_auth_session /', { value: 'x'.repeat(43), path: '/' })
    await openAccount(server, 'bob', victim)
    expect(sessionOf(victim)).not.toBe('x'.repeat(43))

    // Somebody else signs in where a session is still open: that one ends.
    await server.as.users.suspend(ANN)
    await openAccount(server, 'bob', browser)
    expect(sessionOf(browser)).not.toBe(planted)
    await server.as.users.activate(ANN)
    const thief = createBrowser(server.origin)
    thief.cookies.set('mcp_auth_session /', { value: planted, path: '/' })
    expect((await thief.open(`${server.origin}/account`)).html).toContain('/login/dev')
  })

  it('binds the sign-in to the browser that began it', async () => {
    const attacker = createBrowser(server.origin)
    const signIn = await attacker.open(`${server.origin}/account`)
    await postForm(server, attacker, new URL(signIn.url).pathname, {})
    const victim = createBrowser(server.origin)
    const page = await victim.open(signIn.url)
    expect(page.status).toBe(400)
    expect((await victim.open(`${signIn.url}/continue`)).status).toBe(400)
    expect(sessionOf(victim)).toBeUndefined()
  })

  it('opens one session a sign-in', async () => {
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(`${server.origin}/account`)
    const cookies = new Map(browser.cookies)
    await signIn.submit('/login/dev', { subject: 'ann' })
    for (const [name, value] of cookies) browser.cookies.set(name, value)
    expect((await browser.open(`${signIn.url}/continue`)).status).toBe(400)
  })

  it('A61 is no way into the authorization of an app', async () => {
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(`${server.origin}/account`)
    const uid = new URL(signIn.url).pathname.split('/').at(-1)
    const page = await browser.open(`${server.origin}/oauth/authorize/${uid}`)
    expect(page.status).toBe(400)
    expect((await postForm(server, browser, `/oauth/interaction/${uid}/consent`, {})).status).toBe(
      403,
    )
  })

  it('shows nothing to a suspended user, and lets nobody in who is not admitted', async () => {
    const { browser, page } = await openAccount(server)
    await server.as.users.suspend(ANN)
    expect((await browser.open(`${server.origin}/account`)).html).toContain('/login/dev')
    const form = { csrf_token: tokenOf(page, '/account/sign-out') }
    expect((await postForm(server, browser, '/account/sign-out', form)).status).toBe(403)
    const denied = await (await openAccount(server, 'ann', browser)).page
    expect(denied.status).toBe(403)
    expect(denied.html).not.toContain('/account/')
  })
})

describe('the role behind /account', () => {
  it('stale role: every change asks again whether the caller is an admin', async () => {
    await openAccount(server, 'bob')
    const { userId = '' } = (await server.as.users.find(BOB)) ?? {}
    const { page } = await openAdmin(server)
    await server.as.users.setRole(ANN, 'user')
    const answers = [
      await page.submit(`${userId}/suspend`),
      await page.submit('/users/invite', { email: 'new@example.com' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 404])
    expect(await server.as.users.find(userId)).toMatchObject({ status: 'active' })
    expect(await server.as.users.find('new@example.com')).toBeUndefined()
  })

  it('refuses to invite an address that several users have, and changes nothing', async () => {
    const { browser } = await openAdmin(server)
    const { users } = server.storage
    for (const issuer of ['https://a.test', 'https://b.test']) {
      await users.signIn({ provider: 'other', issuer, subject: '1', email: BOB })
    }
    const page = await browser.open(`${server.origin}/account`)
    const before = stateOf()
    expect((await page.submit('/users/invite', { email: BOB })).status).toBe(403)
    expect(stateOf()).toBe(before)
    expect((await page.submit('/users/invite', { email: 'new@example.com' })).status).toBe(200)
    expect(await server.as.users.find('new@example.com')).toMatchObject({ status: 'invited' })
  })

  it('lets no admin suspend himself, and of two who suspend each other one is left', async () => {
    const ann = await openAdmin(server)
    const bob = await openAdmin(server, 'bob')
    const [annId, bobId] = await Promise.all(
      [ANN, BOB].map(async (email) => (await server.as.users.find(email))?.userId ?? ''),
    )
    expect(actionsOf(ann.page)).not.toContain(`/account/users/${annId}/suspend`)
    const shown = await ann.browser.open(`${server.origin}/account`)
    await Promise.all([shown.submit(`${bobId}/suspend`), bob.page.submit(`${annId}/suspend`)])
    const left = (await server.as.users.list()).filter(({ status }) => status === 'active')
    expect(left).toHaveLength(1)
  })
})
