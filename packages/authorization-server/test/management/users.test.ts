import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBrowser } from '../engine/support/browser.js'
import {
  approve,
  authorize,
  authorizeUrl,
  callMcp,
  codeForm,
  createVerifier,
  obtainTokens,
  postToken,
  refresh,
  register,
} from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

let server: TestServer

beforeEach(async () => {
  server = await startServer()
})
afterEach(() => server.close())

const actor = { issuer: 'cli', subject: 'operator' }
const ANN = 'ann@example.com'

describe('users.suspend', () => {
  it('E23 ends access tokens, refresh tokens, codes and browser sessions at once', async () => {
    const { clientId, tokens, authorization } = await obtainTokens(server)
    const other = await obtainTokens(server, { subject: 'bob' })
    const pending = codeForm(clientId, await authorize(server, clientId, authorization))
    const suspended = await server.as.users.suspend(ANN, { actor })
    expect(suspended.status).toBe('suspended')

    expect(await callMcp(server, tokens.access_token)).toBe(401)
    const refused = await refresh(server, clientId, tokens.refresh_token)
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    expect((await postToken(server, pending)).body.error).toBe('invalid_grant')
    const { challenge } = createVerifier()
    const page = await authorization.browser.open(authorizeUrl(server, clientId, challenge))
    expect(page.html).toContain('/login/dev')
    expect((await approve(page).catch((error) => String(error))).toString()).toMatch(/no form/)
    expect(await callMcp(server, other.tokens.access_token)).toBe(200)
  })

  it('is undone by activate at once, but apps have to be connected anew', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    await server.as.users.suspend(ANN)
    expect((await server.as.users.activate(ANN)).status).toBe('active')
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(400)
    const again = await obtainTokens(server, { clientId })
    expect(await callMcp(server, again.tokens.access_token)).toBe(200)
  })

  it('does not let a consent page that was open go on', async () => {
    const { client_id: clientId } = await register(server)
    const browser = createBrowser(server.origin)
    const { challenge } = createVerifier()
    const signIn = await browser.open(authorizeUrl(server, clientId, challenge))
    const consent = await signIn.submit('/login/dev', { subject: 'ann' })
    await server.as.users.suspend(ANN)
    const refused = await consent.submit('/consent')
    expect(refused.status).toBe(403)
    expect(refused.location).toBeUndefined()
    await server.as.users.activate(ANN)
    expect(await server.as.sessions.list({ user: ANN })).toEqual([])
  })

  it('is in the audit trail with its actor', async () => {
    await obtainTokens(server)
    const { userId } = await server.as.users.suspend(ANN, { actor })
    const [event] = await server.as.audit.list({ subject: 'operator' })
    expect(event).toMatchObject({ event: 'user.suspend', actor, details: { userId } })
  })

  it('names what is wrong with a name', async () => {
    await expect(server.as.users.suspend('nobody@example.com')).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      problems: [{ path: 'user', message: 'there is no user "nobody@example.com"' }],
    })
    const { storage } = server
    await storage.users.signIn({ provider: 'a', issuer: 'https://a', subject: '1', email: ANN })
    await storage.users.signIn({ provider: 'b', issuer: 'https://b', subject: '1', email: ANN })
    await expect(server.as.users.suspend(ANN)).rejects.toThrow(/names several users/)
    const [first] = await server.as.users.list()
    await server.as.users.suspend(first?.userId ?? '')
    expect(await server.as.users.list({ status: 'suspended' })).toHaveLength(1)
  })
})

describe('users.allow', () => {
  it('invites with a role, which the first sign-in takes over', async () => {
    const invited = await server.as.users.allow(' Bob@Example.com ', { role: 'admin', actor })
    expect(invited).toMatchObject({ status: 'invited', role: 'admin' })
    await obtainTokens(server, { subject: 'bob' })
    const bob = await server.as.users.find('bob@example.com')
    expect(bob).toMatchObject({ userId: invited.userId, status: 'active', role: 'admin' })
  })

  it('activates the suspended user who has the address, and invites nobody beside', async () => {
    await obtainTokens(server)
    await server.as.users.suspend(ANN)
    const user = await server.as.users.allow(ANN)
    expect(user.status).toBe('active')
    expect(await server.as.users.list()).toHaveLength(1)
    expect(await server.as.users.allow(ANN, { role: 'admin' })).toMatchObject({ role: 'admin' })
  })

  it.each(['', 'ann', 'a@b', 'ann@example.com, bob@example.com'])(
    'refuses %j for an address',
    async (email) => {
      await expect(server.as.users.allow(email)).rejects.toMatchObject({
        problems: [{ path: 'email', message: 'must be one plain e-mail address' }],
      })
    },
  )
})

describe('users.setRole and users.stats', () => {
  it('changes a role and refuses what is none', async () => {
    await obtainTokens(server)
    expect(await server.as.users.setRole(ANN, 'admin')).toMatchObject({ role: 'admin' })
    const root = JSON.parse('"root"')
    await expect(async () => server.as.users.setRole(ANN, root)).rejects.toThrow(/role/)
  })

  it('counts', async () => {
    await obtainTokens(server)
    await server.as.users.allow('new@example.com')
    expect(await server.as.users.stats()).toMatchObject({
      users: 1,
      suspended: 0,
      invited: 1,
      days: 30,
    })
    await expect(async () => server.as.users.stats({ days: 0 })).rejects.toThrow(/days/)
  })
})
