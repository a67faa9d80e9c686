import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callMcp, obtainTokens, refresh } from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

let server: TestServer

beforeEach(async () => {
  server = await startServer()
})
afterEach(() => server.close())

const ANN = 'ann@example.com'

describe('sessions', () => {
  it('lists what a user connected, with what was approved', async () => {
    const { clientId } = await obtainTokens(server)
    await obtainTokens(server, { subject: 'bob' })
    const [app, ...rest] = await server.as.sessions.list({ user: ANN })
    expect(rest).toEqual([])
    expect(app).toMatchObject({
      clientId,
      clientName: 'Test app',
      resource: server.resource,
      scopes: ['coda.read', 'coda.write'],
    })
    expect(await server.as.sessions.list()).toHaveLength(2)
    await expect(server.as.sessions.list({ user: 'nobody' })).rejects.toThrow(/there is no user/)
  })

  it('E26 ends one connection with its tokens, and no other', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const other = await obtainTokens(server)
    const [app] = await server.as.sessions.list({ user: ANN, clientId })
    const sessionId = app?.sessionId ?? ''
    expect(await server.as.sessions.revoke(sessionId)).toBe(true)
    expect(await server.as.sessions.revoke(sessionId)).toBe(false)
    const statuses = [
      await callMcp(server, tokens.access_token),
      await callMcp(server, other.tokens.access_token),
    ]
    // Equal registrations are one client with a grant for each browser session.
    expect(statuses.sort()).toEqual([200, 401])
    const refreshed = [
      await refresh(server, clientId, tokens.refresh_token),
      await refresh(server, other.clientId, other.tokens.refresh_token),
    ]
    expect(refreshed.map(({ status }) => status).sort()).toEqual([200, 400])
    const [event] = await server.as.audit.list({ event: 'session.revoke' })
    expect(event?.details).toMatchObject({ clientId, userId: app?.userId })
  })

  it('ends all of a user, who stays active', async () => {
    const { tokens } = await obtainTokens(server)
    await obtainTokens(server)
    expect(await server.as.sessions.revokeUser(ANN)).toBe(2)
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    expect(await server.as.users.find(ANN)).toMatchObject({ status: 'active' })
  })
})

describe('signingKeys', () => {
  it('shows the keys without their private parts', async () => {
    const keys = await server.as.signingKeys.status()
    expect(keys).toMatchObject([{ algorithm: 'ES256', state: 'active' }])
    const rotated = await server.as.signingKeys.rotate()
    expect(rotated.map(({ state }) => state)).toEqual(['active', 'pending'])
    const [stored] = server.storage.state.keys
    expect(JSON.stringify(rotated)).not.toContain(String(stored?.jwk.d))
  })
})
