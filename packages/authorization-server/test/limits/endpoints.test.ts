import { afterEach, describe, expect, it } from 'vitest'
import type { AuthorizationServerEvent } from '../../src/engine/events.js'
import {
  authorize,
  codeForm,
  obtainTokens,
  REDIRECT_URI,
  refresh,
  register,
} from '../engine/support/flow.js'
import { startServer, type TestServer, type TestServerOptions } from '../engine/support/server.js'
import { from, named } from './support.js'

let server: TestServer
const events: AuthorizationServerEvent[] = []

async function start(options: TestServerOptions): Promise<void> {
  events.length = 0
  server = await startServer({ onEvent: (event) => events.push(event), ...options })
}
afterEach(() => server.close())

async function post(path: string, fields: Record<string, string>, headers = {}) {
  const response = await fetch(server.origin + path, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
  }
}

async function tryRegistration(metadata: Record<string, unknown>) {
  const response = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://inspector.test' },
    body: JSON.stringify({
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }),
  })
  return { status: response.status, body: await response.json(), headers: response.headers }
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

const clientCount = () =>
  [...server.storage.state.rows.values()].filter(({ model }) => model === 'Client').length

describe('D18 registration', () => {
  const three = { points: 3, durationSeconds: 3600 }

  it('refuses many different ones with OAuth JSON that a page of a browser can read', async () => {
    await start({ rateLimits: { registerPerHost: three } })
    for (let n = 0; n < 3; n += 1) {
      expect((await tryRegistration({ client_name: `App ${n}` })).status).toBe(201)
    }
    const refused = await tryRegistration({ client_name: 'App 4' })
    expect(refused.status).toBe(429)
    expect(refused.body).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'too many requests',
    })
    expect(refused.headers.get('retry-after')).toBe('3600')
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(refused.headers.get('access-control-allow-origin')).toBe('*')
    expect(refused.headers.get('access-control-expose-headers')).toContain('Retry-After')
    expect(clientCount()).toBe(3)
    server.advance(3601)
    expect((await tryRegistration({ client_name: 'App 4' })).status).toBe(201)
  })

  it('does not count equal public registrations, refused bodies, or what is over the limit', async () => {
    await start({ rateLimits: { registerPerHost: three } })
    for (let n = 0; n < 10; n += 1) {
      expect((await tryRegistration({ client_name: 'Same' })).status).toBe(201)
      const bad = await tryRegistration({ redirect_uris: ['javascript:alert(1)'] })
      expect(bad.status).toBe(400)
    }
    expect((await tryRegistration({ client_name: 'Second' })).status).toBe(201)
    expect((await tryRegistration({ client_name: 'Third' })).status).toBe(201)
    expect((await tryRegistration({ client_name: 'Fourth' })).status).toBe(429)
    // Whoever is over the limit still gets the client that it has.
    expect((await tryRegistration({ client_name: 'Same' })).status).toBe(201)
  })

  it('counts every registration of a client with a secret, since each is another client', async () => {
    await start({ rateLimits: { registerPerHost: three } })
    const confidential = { token_endpoint_auth_method: 'client_secret_basic' }
    for (let n = 0; n < 3; n += 1) expect((await tryRegistration(confidential)).status).toBe(201)
    expect((await tryRegistration(confidential)).status).toBe(429)
  })

  it('counts apps on one shared address apart, up to the limit of the address', async () => {
    const register5 = { points: 5, durationSeconds: 3600 }
    await start({ rateLimits: { registerPerHost: three, register: register5 }, trustProxy: 1 })
    const tryAt = (host: string, n: number) =>
      tryRegistration({ client_name: `App ${n}`, redirect_uris: [`https://${host}/cb`] })
    await from('198.51.100.1', async () => {
      for (const n of [1, 2, 3]) expect((await tryAt('one.test', n)).status).toBe(201)
      expect((await tryAt('one.test', 4)).status).toBe(429)
      expect((await tryAt('two.test', 1)).status).toBe(201)
      // 3 + 1 refused + 1: the address has used up its five.
      expect((await tryAt('three.test', 1)).status).toBe(429)
    })
    await from('198.51.100.2', async () => {
      expect((await tryAt('one.test', 5)).status).toBe(201)
    })
  })

  it('is generous as it comes: 150 connectors of one host at one address', async () => {
    await start({ rateLimits: {} })
    for (let n = 0; n < 150; n += 1) {
      const uri = `https://chatgpt.test/connector/oauth/${n}`
      expect((await tryRegistration({ redirect_uris: [uri] })).status).toBe(201)
    }
  })
})

describe('the token endpoint', () => {
  it('limits one client at one address, and leaves others alone', async () => {
    await start({ rateLimits: { tokenPerClient: { points: 3, durationSeconds: 60 } } })
    const { clientId, tokens } = await obtainTokens(server)
    let token: unknown = tokens.refresh_token
    for (let n = 0; n < 2; n += 1) {
      const answer = await refresh(server, clientId, token)
      expect(answer.status).toBe(200)
      token = answer.body.refresh_token
    }
    const refused = await refresh(server, clientId, token)
    expect([refused.status, refused.body.error]).toEqual([429, 'temporarily_unavailable'])
    expect(refused.headers.get('retry-after')).toBe('60')
    expect((await refresh(server, 'other', 'x')).status).toBe(401)
    // The refused refresh has used nothing up.
    server.advance(61)
    expect((await refresh(server, clientId, token)).status).toBe(200)
  })

  it('limits an address that changes its client id', async () => {
    await start({ rateLimits: { token: { points: 3, durationSeconds: 60 } } })
    const statuses = []
    for (const id of ['a', 'b', 'c', 'd']) statuses.push((await refresh(server, id, 'x')).status)
    expect(statuses).toEqual([401, 401, 401, 429])
  })

  it('refuses the right secret after 10 wrong ones, and only at that address', async () => {
    await start({ rateLimits: {}, trustProxy: 1 })
    const { client_id: id, client_secret: secret = '' } = await register(server, {
      token_endpoint_auth_method: 'client_secret_post',
    })
    const form = codeForm(id, await authorize(server, id))
    const attempt = (client_secret: string) => post('/oauth/token', { ...form, client_secret })
    await from('198.51.100.1', async () => {
      for (let n = 0; n < 10; n += 1) {
        expect((await attempt(`canary-${n}`)).body.error).toBe('invalid_client')
      }
      const refused = await attempt(secret)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '300'])
    })
    expect((await from('198.51.100.2', () => attempt(secret))).status).toBe(200)
    expect(JSON.stringify(events)).not.toContain('canary')
  })

  it('counts wrong secrets over all endpoints that take them', async () => {
    await start({ rateLimits: { clientAuthentication: { points: 3, durationSeconds: 60 } } })
    const { client_id: id } = await register(server, {
      token_endpoint_auth_method: 'client_secret_basic',
    })
    const headers = basic(id, 'wrong')
    const fields = { token: 'x', grant_type: 'client_credentials' }
    const statuses = []
    for (const path of ['introspect', 'revoke', 'token', 'introspect']) {
      statuses.push((await post(`/oauth/${path}`, fields, headers)).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429])
  })

  it('goes on telling public clients that they are unknown, so that they register again', async () => {
    await start({ rateLimits: {} })
    for (let n = 0; n < 20; n += 1) {
      const answer = await refresh(server, 'removed', 'token')
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    }
  })

  it('does not count right secrets', async () => {
    await start({ rateLimits: { clientAuthentication: { points: 2, durationSeconds: 60 } } })
    const client = await register(server, { token_endpoint_auth_method: 'client_secret_basic' })
    const { client_id: id, client_secret: secret = '' } = client
    for (let n = 0; n < 5; n += 1) {
      const answer = await post('/oauth/introspect', { token: 'x' }, basic(id, secret))
      expect([answer.status, answer.body]).toEqual([200, { active: false }])
    }
  })
})

describe('introspection by a resource server', () => {
  it('is limited for strangers only', async () => {
    const listed: string[] = []
    await start({
      rateLimits: { token: { points: 4, durationSeconds: 60 } },
      parts: { resourceServerClients: listed },
    })
    const method = { token_endpoint_auth_method: 'client_secret_basic' }
    const client = await register(server, method)
    const { client_id: id, client_secret: secret = '' } = client
    const ask = () => post('/oauth/introspect', { token: 'x' }, basic(id, secret))
    for (let n = 0; n < 4; n += 1) expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(429)
    listed.push(id)
    for (let n = 0; n < 10; n += 1) expect((await ask()).status).toBe(200)
  })
})

describe('what has no limit', () => {
  it('is metadata, keys and preflights', async () => {
    const one = { points: 1, durationSeconds: 60 }
    await start({ rateLimits: { pages: one, token: one, tokenPerClient: one, register: one } })
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/jwks.json',
    ]) {
      for (let n = 0; n < 3; n += 1) {
        expect((await fetch(server.origin + path)).status).toBe(200)
      }
    }
    for (let n = 0; n < 3; n += 1) {
      const preflight = await fetch(`${server.origin}/oauth/token`, { method: 'OPTIONS' })
      expect(preflight.status).toBe(204)
    }
    expect(named(events, 'rate-limited')).toEqual([])
  })
})

describe('pages and userinfo', () => {
  it('are limited by address', async () => {
    const two = { points: 2, durationSeconds: 60 }
    await start({ rateLimits: { pages: two, token: two }, trustProxy: 1 })
    const get = async (path: string) => fetch(server.origin + path, { redirect: 'manual' })
    for (const [path, type] of [
      ['/oauth/authorize', 'text/html; charset=utf-8'],
      ['/oauth/userinfo', 'application/json; charset=utf-8'],
    ] as const) {
      await from('198.51.100.1', async () => {
        for (let n = 0; n < 2; n += 1) expect((await get(path)).status).not.toBe(429)
        const refused = await get(path)
        expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
        expect(refused.headers.get('content-type')).toBe(type)
      })
      expect((await from('198.51.100.2', () => get(path))).status).not.toBe(429)
    }
  })

  it('A57 are not opened by a header of nobody', async () => {
    await start({ rateLimits: { pages: { points: 2, durationSeconds: 60 } } })
    const statuses = []
    for (let n = 0; n < 3; n += 1) {
      const headers = { 'x-forwarded-for': `198.51.100.${n}`, forwarded: `for=198.51.100.${n}` }
      statuses.push((await fetch(`${server.origin}/oauth/authorize`, { headers })).status)
    }
    expect(statuses).toEqual([400, 400, 429])
  })
})
