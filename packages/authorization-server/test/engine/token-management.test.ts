import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { callEngine } from '../../src/engine/engine-call.js'
import { digestClientSecret } from '../../src/engine/secrets.js'
import {
  authorize,
  callMcp,
  codeForm,
  obtainTokens,
  postToken,
  refresh,
  register,
} from './support/flow.js'
import type { Row } from './support/memory-storage.js'
import { startServer, type TestServer } from './support/server.js'

vi.mock('../../src/engine/engine-call.js', async (load) => {
  const actual = await load<typeof import('../../src/engine/engine-call.js')>()
  return { ...actual, callEngine: vi.fn(actual.callEngine) }
})

let server: TestServer
/** Clients that may introspect every token. */
const inspectors: string[] = []

beforeAll(async () => {
  server = await startServer({ parts: { resourceServerClients: inspectors } })
})
afterAll(() => server.close())

async function post(
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${server.origin}/oauth/${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? {} : JSON.parse(text),
    headers: response.headers,
  }
}

function withPayload(row: Row, changes: Readonly<Record<string, unknown>>): Row {
  return { ...row, payload: { ...row.payload, ...changes } }
}

async function confidential(name: string) {
  const client = await register(server, {
    client_name: name,
    token_endpoint_auth_method: 'client_secret_basic',
  })
  const { client_id: id, client_secret: secret = '' } = client
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  return { id, secret, headers: { authorization } }
}

async function confidentialTokens(client: Awaited<ReturnType<typeof confidential>>) {
  const { client_id: _, ...form } = codeForm(client.id, await authorize(server, client.id))
  const { body } = await postToken(server, form, client.headers)
  return { access: String(body.access_token), refresh: String(body.refresh_token) }
}

describe('revocation', () => {
  it('E26 ends an access token and its family everywhere', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    const answer = await post('revoke', { token: tokens.access_token, client_id: clientId })
    expect(answer.status).toBe(200)
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(400)
  })

  it('E25 E26 ends the access token with its refresh token, also by a wrong hint', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const answer = await post('revoke', {
      token: tokens.refresh_token,
      token_type_hint: 'access_token',
      client_id: clientId,
    })
    expect(answer.status).toBe(200)
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    const userinfo = await fetch(`${server.origin}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(userinfo.status).toBe(401)
  })

  it('E25 answers 200 for an unknown token and changes nothing for a token of somebody else', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const { client_id: other } = await register(server, { client_name: 'Other' })
    expect((await post('revoke', { token: 'unknown', client_id: clientId })).status).toBe(200)
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect((await post('revoke', { token, client_id: other })).status).toBe(200)
    }
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(200)
  })

  it('asks for a new consent after a revocation, so that a revoked grant never comes back', async () => {
    const { clientId, tokens, authorization } = await obtainTokens(server)
    await post('revoke', { token: tokens.refresh_token, client_id: clientId })
    const again = await authorize(server, clientId, { browser: authorization.browser })
    const { body } = await postToken(server, codeForm(clientId, again))
    expect(await callMcp(server, body.access_token)).toBe(200)
  })
})

describe('introspection', () => {
  it('E27 refuses callers that cannot prove who they are', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const { access_token: token } = tokens
    expect((await post('introspect', { token })).status).toBe(401)
    expect((await post('introspect', { token, client_id: clientId })).status).toBe(401)
    const wrong = { authorization: `Basic ${Buffer.from('nobody:x').toString('base64')}` }
    expect((await post('introspect', { token }, wrong)).status).toBe(401)
  })

  it('E27 tells a client about its own tokens only', async () => {
    const [own, other] = [await confidential('Own'), await confidential('Foreign')]
    const tokens = await confidentialTokens(own)
    const answer = await post('introspect', { token: tokens.access }, own.headers)
    expect(answer.body).toMatchObject({
      active: true,
      client_id: own.id,
      aud: server.resource,
      scope: 'coda.read coda.write',
      iss: server.origin,
      jti: expect.any(String),
    })
    expect((await post('introspect', { token: tokens.refresh }, own.headers)).body.active).toBe(
      true,
    )
    for (const token of [tokens.access, tokens.refresh]) {
      expect((await post('introspect', { token }, other.headers)).body).toEqual({ active: false })
    }
  })

  it('E26 says inactive for a token whose refresh token was revoked, and for forged ones', async () => {
    const own = await confidential('Revoking')
    const tokens = await confidentialTokens(own)
    await post('revoke', { token: tokens.refresh }, own.headers)
    const [head, body] = tokens.access.split('.')
    for (const token of [tokens.access, `${head}.${body}.${'A'.repeat(86)}`, 'unknown']) {
      expect((await post('introspect', { token }, own.headers)).body).toEqual({ active: false })
    }
  })

  it('E26 says inactive for a token whose record was written after its client was revoked', async () => {
    const inspector = await confidential('Inspector')
    inspectors.push(inspector.id)
    const { client, clientSecret } = await server.as.clients.create({
      clientName: 'Job',
      grantTypes: ['client_credentials'],
      tokenEndpointAuthMethod: 'client_secret_post',
      scopes: ['coda.read'],
    })
    const { body } = await postToken(server, {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: clientSecret ?? '',
    })
    const token = String(body.access_token)
    const ask = async () => (await post('introspect', { token }, inspector.headers)).body
    expect(await ask()).toMatchObject({ active: true, client_id: client.clientId })

    const { rows } = server.storage.state
    const written = [...rows].filter(([, { model }]) => model === 'ClientCredentials')
    await server.as.clients.revoke(client.clientId)
    // A request that was under way commits now.
    for (const [key, row] of written) server.storage.state.rows.set(key, row)
    expect(await ask()).toEqual({ active: false })
    expect(await callMcp(server, token)).toBe(401)
  })
})

describe('introspection of a JWT by a client with a secret', () => {
  const ask = async (
    token: string,
    headers: Readonly<Record<string, string>>,
    fields: Readonly<Record<string, string>> = {},
  ) => {
    vi.mocked(callEngine).mockClear()
    const answer = await post('introspect', { token, ...fields }, headers)
    return { ...answer, engineCalls: vi.mocked(callEngine).mock.calls.length }
  }

  async function jobToken() {
    const { client, clientSecret = '' } = await server.as.clients.create({
      clientName: 'Job',
      grantTypes: ['client_credentials'],
      tokenEndpointAuthMethod: 'client_secret_post',
      scopes: ['coda.read'],
    })
    const secret = { client_id: client.clientId, client_secret: clientSecret }
    const { body } = await postToken(server, { grant_type: 'client_credentials', ...secret })
    return { secret, access: String(body.access_token) }
  }

  it('is answered as the engine answers it, without it', async () => {
    const own = await confidential('Same')
    const inspector = await confidential('Same inspector')
    inspectors.push(inspector.id)
    const { access } = await confidentialTokens(own)
    const job = await jobToken()
    for (const [token, headers, fields] of [
      [access, own.headers, {}],
      [access, inspector.headers, {}],
      [job.access, {}, job.secret],
      [job.access, inspector.headers, {}],
    ] as const) {
      const answer = await ask(token, headers, fields)
      // To the engine a parameter without a value is none; we leave such a request to it.
      const expected = await ask(token, headers, { client_assertion: '', ...fields })
      expect(answer.body).toMatchObject({ active: true, token_type: 'Bearer' })
      expect([answer.status, answer.body]).toEqual([expected.status, expected.body])
      for (const name of ['content-type', 'cache-control', 'pragma', 'access-control-allow-origin'])
        expect(answer.headers.get(name)).toBe(expected.headers.get(name))
      expect([answer.engineCalls, expected.engineCalls]).toEqual([0, 1])
    }
  })

  it('E27 refuses a wrong secret, two ways to prove a client, and two clients', async () => {
    const own = await confidential('Proving')
    const other = await confidential('Proving, too')
    const { access } = await confidentialTokens(own)
    const { client_id: id } = await register(server, { client_name: 'Public' })
    const basic = (text: string) => ({
      authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    })
    const statusOf = async (...parameters: Parameters<typeof ask>) =>
      (await ask(...parameters)).status
    expect(await statusOf(access, own.headers, { client_id: own.id })).toBe(200)
    expect(await statusOf(access, basic(`${own.id}:${own.secret}x`))).toBe(401)
    expect(await statusOf(access, basic(`${own.id}:${other.secret}`))).toBe(401)
    expect(await statusOf(access, basic(`${id}:${own.secret}`))).toBe(401)
    expect(await statusOf(access, {}, { client_id: id, client_secret: own.secret })).toBe(401)
    expect(await statusOf(access, own.headers, { client_id: other.id })).toBe(400)
    expect(await statusOf(access, own.headers, { client_secret: own.secret })).toBe(400)
    const bearer = own.headers.authorization.replace('Basic', 'Bearer')
    expect(await statusOf(access, { authorization: bearer }, { client_id: own.id })).toBe(401)
  })

  it('leaves a client that proves itself in another way than its own to the engine', async () => {
    const own = await confidential('Other way')
    const { access } = await confidentialTokens(own)
    const posted = { client_id: own.id, client_secret: own.secret }
    expect((await ask(access, {}, posted)).engineCalls).toBe(1)
    const job = await jobToken()
    const { client_id: id, client_secret: secret } = job.secret
    const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    expect((await ask(job.access, { authorization: basic })).engineCalls).toBe(1)
    // The nearest one that is answered without it.
    expect((await ask(access, own.headers)).engineCalls).toBe(0)
  })

  it.each<[string, string, (row: Row) => Row | undefined]>([
    ['record is gone', 'AccessToken', () => undefined],
    ['record has ended', 'AccessToken', (row) => withPayload(row, { exp: 1_000_000_000 })],
    ['record is of another kind', 'AccessToken', (row) => withPayload(row, { kind: 'Session' })],
    ['record is of another client', 'AccessToken', (row) => withPayload(row, { clientId: 'x' })],
    ['grant is gone', 'Grant', () => undefined],
    ['grant has ended', 'Grant', (row) => withPayload(row, { exp: 1_000_000_000 })],
    ['grant is of another client', 'Grant', (row) => withPayload(row, { clientId: 'x' })],
    ['grant is of another user', 'Grant', (row) => withPayload(row, { accountId: 'x' })],
  ])('says inactive where the %s', async (_title, model, change) => {
    const own = await confidential('Changing')
    const { rows } = server.storage.state
    const known = new Set(rows.keys())
    const { access } = await confidentialTokens(own)
    expect((await ask(access, own.headers)).body.active).toBe(true)
    const found = [...rows].find(([key, row]) => !known.has(key) && row.model === model)
    if (found === undefined) throw new Error(`no ${model}`)
    const [key, row] = found
    const changed = change(row)
    if (changed === undefined) server.storage.state.rows.delete(key)
    else server.storage.state.rows.set(key, changed)
    expect((await ask(access, own.headers)).body).toEqual({ active: false })
  })

  it('is 503 while the storage fails, never inactive', async () => {
    const own = await confidential('Waiting')
    const { access } = await confidentialTokens(own)
    for (const calls of [0, 1, 2]) {
      server.storage.fail(calls)
      const { status } = await ask(access, own.headers)
      server.storage.recover()
      expect(status).toBe(503)
    }
    expect((await ask(access, own.headers)).body.active).toBe(true)
  })
})

describe('userinfo', () => {
  const userinfo = (token?: string) =>
    fetch(`${server.origin}/oauth/userinfo`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })

  it('E29 tells what the scopes allow', async () => {
    const all = await obtainTokens(server, { parameters: { scope: 'openid email profile' } })
    const answer = await userinfo(all.tokens.access_token)
    expect(await answer.json()).toMatchObject({ email: 'ann@example.com', name: 'Ann' })
    const few = await obtainTokens(server, { parameters: { scope: 'openid coda.read' } })
    expect(Object.keys(await (await userinfo(few.tokens.access_token)).json())).toEqual(['sub'])
  })

  it('E29 refuses a call without a token, without openid, and with a bad token', async () => {
    const bare = await userinfo()
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const { tokens } = await obtainTokens(server)
    const narrow = await userinfo(tokens.access_token)
    expect(narrow.status).toBe(403)
    expect(narrow.headers.get('www-authenticate')).toContain('insufficient_scope')
    const forged = await userinfo(`${tokens.access_token.slice(0, -6)}AAAAAA`)
    expect(forged.headers.get('www-authenticate')).toContain('invalid_token')
  })
})

describe('client credentials', () => {
  it('gives a registered client a token of its own, and revokes it by its id', async () => {
    const secret = 's'.repeat(43)
    await server.storage.records('Client').upsert('job', {
      client_id: 'job',
      client_secret: digestClientSecret(secret),
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'coda.read',
    })
    const own = { client_id: 'job', client_secret: secret }
    const { body, status } = await postToken(server, {
      grant_type: 'client_credentials',
      scope: 'coda.read coda.write',
      ...own,
    })
    expect([status, body.scope]).toEqual([200, 'coda.read'])
    const all = await postToken(server, { grant_type: 'client_credentials', ...own })
    expect(all.body.scope).toBe('coda.read')
    expect(await callMcp(server, body.access_token)).toBe(200)
    await post('revoke', { token: String(body.access_token), ...own })
    expect(await callMcp(server, body.access_token)).toBe(401)
  })

  it('answers invalid_scope to a client of whose scopes none exists', async () => {
    const secret = 's'.repeat(43)
    const own = { client_id: 'job-nope', client_secret: secret }
    await server.storage.records('Client').upsert('job-nope', {
      client_id: 'job-nope',
      client_secret: digestClientSecret(secret),
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'nope',
    })
    for (const asked of [{}, { scope: 'nope' }, { scope: 'coda.read' }]) {
      const form = { grant_type: 'client_credentials', ...asked, ...own }
      const { status, body } = await postToken(server, form)
      expect([status, body.error, body.access_token]).toEqual([400, 'invalid_scope', undefined])
      expect(body.error_description).toContain('scope')
    }
  })
})
