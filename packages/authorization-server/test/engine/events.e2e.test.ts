import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServerEvent } from '../../src/engine/events.js'
import { createBrowser } from './support/browser.js'
import {
  approve,
  authorize,
  authorizeUrl,
  codeForm,
  createVerifier,
  obtainTokens,
  postToken,
  refresh,
  register,
  type Tokens,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer
const events: AuthorizationServerEvent[] = []
/** Everything in this run that nobody may read in an event. */
const secrets: string[] = []

beforeAll(async () => {
  server = await startServer({ onEvent: (event) => events.push(event) })
})
afterAll(() => server.close())
beforeEach(() => {
  events.length = 0
})

const told = () => events.map(({ event, outcome }) => `${event} ${outcome}`)
const audited = () => server.storage.state.audit.map(({ event }) => event)

function keep({ access_token: access, refresh_token: again }: Partial<Tokens>): void {
  for (const secret of [access, again]) if (typeof secret === 'string') secrets.push(secret)
}

describe('events of one connection', () => {
  it('are each told once: registration, sign-in, consent, issue, refresh, reuse, revoke', async () => {
    const { client_id: id } = await register(server, { client_name: 'Told' })
    await register(server, { client_name: 'Told' })
    expect(told()).toEqual(['client.register done'])

    events.length = 0
    const authorization = await authorize(server, id)
    secrets.push(authorization.code, authorization.verifier)
    expect(told()).toEqual(['sign-in done', 'consent done'])
    expect(events[0]?.actor?.clientId).toBe(id)

    events.length = 0
    const { body } = await postToken(server, codeForm(id, authorization))
    keep(body)
    expect(told()).toEqual(['token.issue done'])

    events.length = 0
    const next = await refresh(server, id, body.refresh_token)
    keep(next.body)
    await refresh(server, id, body.refresh_token)
    expect(told()).toEqual(['token.refresh done'])

    events.length = 0
    server.advance(121)
    expect((await refresh(server, id, body.refresh_token)).status).toBe(400)
    expect(told()).toEqual(['token.reuse denied'])
    expect(events[0]?.reason).toBe('grant_revoked')
  })

  it('tell of the reuse of a code, and of a revocation', async () => {
    const { clientId, tokens, authorization } = await obtainTokens(server)
    keep(tokens)
    secrets.push(authorization.code)
    events.length = 0
    server.advance(11)
    expect((await postToken(server, codeForm(clientId, authorization))).status).toBe(400)
    expect(told()).toEqual(['code.reuse denied'])

    const other = await obtainTokens(server, { clientId })
    keep(other.tokens)
    events.length = 0
    for (let n = 0; n < 2; n += 1) {
      await fetch(`${server.origin}/oauth/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: clientId, token: other.tokens.refresh_token }),
      })
    }
    expect(told()).toEqual(['token.revoke done'])
    const ann = [...server.storage.state.users.values()].find(({ name }) => name === 'Ann')
    expect(events[0]?.actor).toEqual({ issuer: server.origin, subject: ann?.userId, clientId })
  })

  it('tell of who declines, and of who was suspended', async () => {
    const { client_id: id } = await register(server)
    const open = () =>
      createBrowser(server.origin).open(authorizeUrl(server, id, createVerifier().challenge))
    const consent = await (await open()).submit('/login/dev', { subject: 'bob' })
    events.length = 0
    await consent.submit('/deny')
    expect(told()).toEqual(['consent denied'])

    const bob = [...server.storage.state.users.values()].find(({ name }) => name === 'Bob')
    await server.storage.users.setStatus(bob?.userId ?? '', 'suspended')
    events.length = 0
    expect((await (await open()).submit('/login/dev', { subject: 'bob' })).status).toBe(403)
    expect(told()).toEqual(['sign-in denied'])
    expect(events[0]?.reason).toBe('suspended')
    await server.storage.users.setStatus(bob?.userId ?? '', 'active')
    expect((await approve(await open(), 'bob')).location).toBeDefined()
  })

  it('are in the trail but for refreshes, and hold no credential anywhere', async () => {
    const trail = audited()
    for (const name of [
      'client.register',
      'sign-in',
      'consent',
      'token.issue',
      'token.reuse',
      'code.reuse',
      'token.revoke',
    ]) {
      expect(trail).toContain(name)
    }
    expect(trail).not.toContain('token.refresh')
    const text = JSON.stringify([events, server.storage.state.audit])
    expect(secrets.length).toBeGreaterThan(8)
    for (const secret of secrets) expect(text).not.toContain(secret)
  })
})
