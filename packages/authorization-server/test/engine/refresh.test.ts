import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callMcp, obtainTokens, postToken, refresh } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe('refresh tokens', () => {
  it('E17 gives a repeat within the window the answer of the first use', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const first = await refresh(server, clientId, tokens.refresh_token)
    server.advance(119)
    const second = await refresh(server, clientId, tokens.refresh_token)
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).toBe(first.body.refresh_token)
    expect(second.body.access_token).toBe(first.body.access_token)
    expect(Number(second.body.expires_in)).toBeLessThan(Number(first.body.expires_in) - 100)
    expect((await refresh(server, clientId, first.body.refresh_token)).status).toBe(200)
  })

  it('E16 ends the family for a repeat after the window, and says so in the audit trail', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const first = await refresh(server, clientId, tokens.refresh_token)
    server.advance(122)
    const late = await refresh(server, clientId, tokens.refresh_token)
    expect([late.status, late.body.error]).toEqual([400, 'invalid_grant'])
    expect((await refresh(server, clientId, first.body.refresh_token)).status).toBe(400)
    expect(await callMcp(server, first.body.access_token)).toBe(401)
    expect(server.storage.state.audit.at(-1)).toMatchObject({ event: 'token.reuse' })
  })

  it('E17 gives 100 parallel uses one lineage', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => refresh(server, clientId, tokens.refresh_token)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const heads = new Set(answers.map(({ body }) => body.refresh_token))
    expect(heads.size).toBe(1)
    expect((await refresh(server, clientId, [...heads][0])).status).toBe(200)
  })

  it('walks to the head: A at 0 s and 60 s, B with the first token at 70 s, both an hour later', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const a1 = await refresh(server, clientId, tokens.refresh_token)
    server.advance(60)
    const a2 = await refresh(server, clientId, a1.body.refresh_token)
    server.advance(10)
    const b = await refresh(server, clientId, tokens.refresh_token)
    expect(b.body.refresh_token).toBe(a2.body.refresh_token)
    server.advance(3500)
    const [a3, b2] = await Promise.all([
      refresh(server, clientId, a2.body.refresh_token),
      refresh(server, clientId, b.body.refresh_token),
    ])
    expect([a3.status, b2.status]).toEqual([200, 200])
    expect(await callMcp(server, b2.body.access_token)).toBe(200)
  })

  it('does not give another scope the stored answer, and ends nothing', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const first = await refresh(server, clientId, tokens.refresh_token)
    const other = await postToken(server, {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: tokens.refresh_token,
      scope: 'coda.read',
    })
    expect([other.status, other.body.error]).toEqual([400, 'invalid_grant'])
    expect((await refresh(server, clientId, first.body.refresh_token)).status).toBe(200)
  })

  it('does not give another client the stored answer', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    await refresh(server, clientId, tokens.refresh_token)
    const { clientId: other } = await obtainTokens(server, { subject: 'bob' })
    const answer = await refresh(server, `${other}x`, tokens.refresh_token)
    expect(answer.status).toBe(401)
  })

  it('keeps the answer unreadable without the spent token', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const first = await refresh(server, clientId, tokens.refresh_token)
    const replays = [...server.storage.state.rows.values()].filter(
      ({ model }) => model === 'RefreshReplay',
    )
    expect(JSON.stringify(replays.map(({ payload }) => payload))).not.toContain(
      String(first.body.access_token).slice(0, 20),
    )
  })

  it('E23 suspends the family with the user, without deleting it', async () => {
    const { clientId, tokens } = await obtainTokens(server, { subject: 'bob' })
    const [bob] = [...server.storage.state.users.values()].filter(({ name }) => name === 'Bob')
    await server.storage.users.setStatus(bob?.userId ?? '', 'suspended')
    const refused = await refresh(server, clientId, tokens.refresh_token)
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    await server.storage.users.setStatus(bob?.userId ?? '', 'active')
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(200)
  })

  it('E23 refuses a client that was deactivated', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    await server.storage.clients.setActive(clientId, false)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(401)
    await server.storage.clients.setActive(clientId, true)
  })

  it('narrows the scope on request and never widens it', async () => {
    const { clientId, tokens } = await obtainTokens(server, { parameters: { scope: 'coda.read' } })
    const wide = await postToken(server, {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: tokens.refresh_token,
      scope: 'coda.read coda.write',
    })
    expect([wide.status, wide.body.error]).toEqual([400, 'invalid_scope'])
    const same = await refresh(server, clientId, tokens.refresh_token)
    expect(same.body.scope).toBe('coda.read')
  })
})
