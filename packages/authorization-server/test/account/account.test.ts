import { memoryTokenStore, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { createBrowser } from '../engine/support/browser.js'
import { callMcp, obtainTokens, refresh } from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'
import { actionsOf, openAccount, openAdmin, sessionOf } from './support.js'

let server: TestServer

const coda = apiTokenLogin({
  id: 'coda',
  label: 'Coda API token',
  issuer: 'https://coda.io',
  verify: async (token) => (token.startsWith('good') ? { subject: 'ann' } : undefined),
})

beforeEach(async () => {
  server = await startServer({ connect: coda, connectOptional: true })
})
afterEach(() => server.close())

const ANN = 'ann@example.com'

async function keepCredential(email: string, secret: string): Promise<string> {
  const subject = (await server.as.users.find(email))?.userId ?? ''
  const owner = { kind: 'user', issuer: server.origin, subject } as const
  await server.credentials.set({ provider: 'coda', owner }, { kind: 'api-key', secret })
  return subject
}

async function secretOf(subject: string): Promise<string | undefined> {
  const owner = { kind: 'user', issuer: server.origin, subject } as const
  return (await server.credentials.get({ provider: 'coda', owner }))?.secret
}

async function connectApp(email = ANN) {
  const subject = email.split('@')[0] ?? ''
  const user = await server.as.users.find(email)
  // The step in between is another test's.
  if (user !== undefined) await keepCredential(email, 'good-old')
  return obtainTokens(server, { subject })
}

describe('/account', () => {
  it('says what the sign-in is for, names no app, and comes back after it', async () => {
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(`${server.origin}/account`)
    expect(signIn.status).toBe(200)
    expect(signIn.html).toContain('To see which apps you connected')
    expect(signIn.html).not.toContain('Returns to')
    expect(actionsOf(signIn).every((action) => action.includes('/login/'))).toBe(true)
    const page = await signIn.submit('/login/dev', { subject: 'ann' })
    expect(new URL(page.url).pathname).toBe('/account')
    expect(page.html).toContain(ANN)
    expect(page.html).not.toContain('/account/users/')
  })

  it('shows what the caller connected, and ends it at once', async () => {
    await openAccount(server)
    const { clientId, tokens } = await connectApp()
    await openAccount(server, 'bob')
    const { page } = await openAccount(server)
    expect(page.html).toContain('Test app')
    expect(page.html).toContain('app.test')
    expect(page.html).toContain('Change your docs')
    const actions = actionsOf(page).filter((action) => action.startsWith('/account/apps/'))
    expect(actions).toHaveLength(1)
    const after = await page.submit(actions[0] ?? '')
    expect(after.html).not.toContain('Test app')
    expect(after.html).toContain('role="status"')
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(400)
    const [event] = await server.as.audit.list({ event: 'session.revoke' })
    expect(event?.actor?.subject).toBe((await server.as.users.find(ANN))?.userId)
  })

  it('replaces a token that the upstream takes, says what is wrong with others, and removes it', async () => {
    const { browser } = await openAccount(server)
    const userId = await keepCredential(ANN, 'good-old')
    const page = await browser.open(`${server.origin}/account`)
    const refused = await page.submit('/coda/replace', { api_token: 'bad' })
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('was not accepted')
    expect(await secretOf(userId)).toBe('good-old')
    const replaced = await refused.submit('/coda/replace', { api_token: 'good-new' })
    expect([replaced.status, await secretOf(userId)]).toEqual([200, 'good-new'])
    expect(`${refused.html}${replaced.html}`).not.toMatch(/good-(?:old|new)|"bad"/)
    await replaced.submit('/coda/remove')
    expect(await secretOf(userId)).toBeUndefined()
  })

  it('takes a token where none is stored yet, or none any more', async () => {
    const { page } = await openAccount(server)
    const userId = (await server.as.users.find(ANN))?.userId ?? ''
    expect(page.html).toContain('Not connected yet')
    const refused = await page.submit('/credentials/coda/replace', { api_token: 'bad' })
    expect([refused.status, await secretOf(userId)]).toEqual([403, undefined])
    const after = await refused.submit('/credentials/coda/replace', { api_token: 'good-new' })
    expect(after.html).not.toContain('Not connected yet')
    expect(await secretOf(userId)).toBe('good-new')
  })

  it('signs out', async () => {
    const { browser, page } = await openAccount(server)
    const id = sessionOf(browser)
    const out = await page.submit('/sign-out')
    expect(out.html).toContain('/login/dev')
    expect(sessionOf(browser)).toBeUndefined()
    const { cookies } = browser
    cookies.set('mcp_auth_session /', { value: id ?? '', path: '/' })
    expect((await browser.open(`${server.origin}/account`)).html).toContain('/login/dev')
  })

  it('shares the session with the sign-in of apps', async () => {
    const { browser } = await openAccount(server)
    await keepCredential(ANN, 'good-old')
    const { authorization } = await obtainTokens(server)
    const { page } = await openAccount(server, 'nobody', authorization.browser)
    expect(page.html).toContain(ANN)
    expect(sessionOf(browser)).not.toBe(sessionOf(authorization.browser))
  })

  it('does not let another token take the place of the account that somebody signed in with', async () => {
    const credentials = memoryTokenStore()
    const login = apiTokenLogin({
      id: 'coda',
      label: 'Coda API token',
      issuer: 'https://coda.io',
      verify: async (token) => ({ subject: token.split('-')[0] ?? '', email: ANN }),
    })
    const own = await startServer({ login: [login], credentials, allow: { emails: [ANN] } })
    const browser = createBrowser(own.origin)
    const signIn = await browser.open(`${own.origin}/account`)
    const page = await signIn.submit('/login/coda', { api_token: 'ann-1' })
    const other = await page.submit('/coda/replace', { api_token: 'bob-1' })
    expect([other.status, other.html.includes('was not accepted')]).toEqual([403, true])
    expect((await page.submit('/coda/replace', { api_token: 'ann-2' })).status).toBe(200)
    await own.close()
  })
})

describe('/account of an admin', () => {
  it('shows users, clients and the audit trail, and invites', async () => {
    await openAccount(server, 'bob')
    await connectApp('bob@example.com')
    const { page } = await openAdmin(server)
    expect(page.html).toContain('bob@example.com')
    expect(page.html).toContain('consent')
    const after = await page.submit('/users/invite', { email: 'new@example.com' })
    expect(after.html).toContain('new@example.com')
    expect(await server.as.users.find('new@example.com')).toMatchObject({ status: 'invited' })
    expect((await after.submit('/users/invite', { email: 'no address' })).status).toBe(403)
  })

  it('says that the trail cannot be read now, and takes only a missing right for an empty one', async () => {
    const { browser } = await openAdmin(server)
    const { list } = server.storage.auditTrail
    const trail = server.storage.auditTrail as { list: typeof list }
    const refusal = (code: string) =>
      new StoreUnavailableError('refused', { cause: Object.assign(new Error(), { code }) })
    try {
      trail.list = () => Promise.reject(refusal('57P01'))
      expect((await browser.open(`${server.origin}/account`)).status).toBe(503)
      trail.list = () => Promise.reject(refusal('42501'))
      expect((await browser.open(`${server.origin}/account`)).status).toBe(200)
    } finally {
      trail.list = list
    }
  })

  it('suspends and activates others, and turns off clients', async () => {
    await openAccount(server, 'bob')
    const { clientId, tokens } = await connectApp('bob@example.com')
    const { userId = '' } = (await server.as.users.find('bob@example.com')) ?? {}
    const { page } = await openAdmin(server)
    const suspended = await page.submit(`${userId}/suspend`)
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    await suspended.submit(`${userId}/activate`)
    expect(await server.as.users.find(userId)).toMatchObject({ status: 'active' })
    const encoded = Buffer.from(clientId).toString('base64url')
    const after = await page.submit(`/clients/${encoded}/revoke`)
    expect(await server.as.clients.find(clientId)).toMatchObject({ active: false })
    expect(actionsOf(after).some((action) => action.includes('/clients/'))).toBe(false)
  })

  it('shows a client that is known by its document, and turns it off', async () => {
    const id = 'https://app.example.com/client.json'
    const { userId } = await server.storage.users.invite('bob@example.com')
    const grant = { accountId: userId, clientId: id, jti: 'grant-1' }
    await server.storage.records('Grant').upsert('grant-1', grant, 60)
    const { page } = await openAdmin(server)
    expect(page.html).toContain(id)
    expect(page.html).toContain('document')
    const revoke = `/account/clients/${Buffer.from(id).toString('base64url')}/revoke`
    expect(actionsOf(page)).toContain(revoke)
    const after = await page.submit(revoke)
    expect(actionsOf(after)).not.toContain(revoke)
    expect(await server.as.clients.find(id)).toMatchObject({ active: false, origin: 'document' })
    expect(await server.as.sessions.list({ clientId: id })).toEqual([])
  })

  it('says which lists go on, and only those', async () => {
    const { browser } = await openAdmin(server)
    const { users, records, audit } = server.storage
    const first = 'The first <bdi>500</bdi> are shown; the command line lists all.'
    const newest = 'The newest <bdi>50</bdi> are shown; the command line lists all.'
    const open = async () => (await browser.open(`${server.origin}/account`)).html
    const written = (await server.as.audit.list()).length
    for (let count = written; count < 50; count += 1) {
      await audit({ event: 'sign-in', outcome: 'done' })
    }
    for (let count = 1; count < 500; count += 1) await users.invite(`user-${count}@example.com`)
    const full = await open()
    expect([full.includes(first), full.includes(newest)]).toEqual([false, false])

    await users.invite('last@example.com')
    await audit({ event: 'sign-in', outcome: 'done' })
    const cut = await open()
    expect([cut.split(first).length, cut.split(newest).length]).toEqual([2, 2])
    expect(cut).not.toContain('last@example.com')

    for (let count = 0; count <= 500; count += 1) {
      const clientId = `client-${count}`
      await records('Client').upsert(clientId, { client_id: clientId, origin: 'dynamic' } as never)
    }
    expect((await open()).split(first)).toHaveLength(3)
  })
})
