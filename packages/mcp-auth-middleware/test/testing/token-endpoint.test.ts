import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import {
  authorizedCode,
  basic,
  postForm,
  REDIRECT_URI,
  redeem,
  registered,
  tokensOf,
  VERIFIER,
} from './oauth-client.js'

const RESOURCE = 'https://mcp.test/mcp'
const OTHER_RESOURCE = 'https://mcp.test/other'

let now = Date.now()
let issuer: TestIssuer
let client: string

beforeAll(async () => {
  issuer = createTestIssuer({
    audience: [RESOURCE, OTHER_RESOURCE],
    scopes: ['docs.read', 'docs.write', 'openid'],
    email: 'ann@example.com',
    accessTokenLifetimeSeconds: 600,
    now: () => now,
    clients: [{ clientId: 'se:rver', clientSecret: 's&cret', redirectUris: [REDIRECT_URI] }],
  })
  await issuer.listen()
  client = (await registered(issuer)).client_id
})
afterAll(() => issuer.close())

async function expectError(response: Response, status: number, error: string): Promise<void> {
  expect(await response.json()).toMatchObject({ error, error_description: expect.any(String) })
  expect(response.status).toBe(status)
  expect(response.headers.get('cache-control')).toBe('no-store')
}

describe('POST /oauth/token', () => {
  it('exchanges a code for an RFC 9068 access token', async () => {
    const code = await authorizedCode(issuer, client, { resource: RESOURCE, scope: 'docs.read x' })
    const response = await redeem(issuer, client, code, { resource: RESOURCE })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const tokens = await tokensOf(response)
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'docs.read' })
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({
      alg: 'RS256',
      typ: 'at+jwt',
    })
    expect(decodeJwt(tokens.access_token)).toEqual({
      iss: issuer.issuer,
      sub: 'test-user',
      aud: RESOURCE,
      client_id: client,
      scope: 'docs.read',
      iat: Math.floor(now / 1000),
      exp: Math.floor(now / 1000) + 600,
      jti: expect.any(String),
      email: 'ann@example.com',
      email_verified: true,
    })
  })

  it('A20 writes the audience as configured when the client spells it in capitals', async () => {
    const code = await authorizedCode(issuer, client, { resource: 'HTTPS://MCP.TEST/mcp' })
    const { access_token } = await tokensOf(await redeem(issuer, client, code))
    expect(decodeJwt(access_token).aud).toBe(RESOURCE)
  })

  it('gives all audiences when no resource is named', async () => {
    const code = await authorizedCode(issuer, client)
    const { access_token } = await tokensOf(await redeem(issuer, client, code))
    expect(decodeJwt(access_token).aud).toEqual([RESOURCE, OTHER_RESOURCE])
  })

  it('adds an ID token for the scope openid only', async () => {
    const code = await authorizedCode(issuer, client, { scope: 'openid', nonce: 'n1' })
    const { id_token = '' } = await tokensOf(await redeem(issuer, client, code))
    expect(decodeJwt(id_token)).toMatchObject({ aud: client, nonce: 'n1' })
    const other = await authorizedCode(issuer, client, { scope: 'docs.read' })
    expect((await tokensOf(await redeem(issuer, client, other))).id_token).toBeUndefined()
  })

  it.each([
    ['E05 a wrong verifier', { code_verifier: `${VERIFIER.slice(1)}a` }],
    ['E05 another redirect URI', { redirect_uri: 'http://127.0.0.1:7778/callback' }],
    ['E05 no redirect URI', { redirect_uri: undefined }],
    ['E05 an unknown code', { code: 'unknown' }],
  ])('%s is an invalid grant', async (_, parameters) => {
    const code = await authorizedCode(issuer, client)
    await expectError(await redeem(issuer, client, code, parameters), 400, 'invalid_grant')
    // The nearest accepted neighbour: the same code with nothing spoilt.
    expect((await redeem(issuer, client, code)).status).toBe(200)
  })

  it('E06 needs a verifier', async () => {
    const code = await authorizedCode(issuer, client)
    const response = await redeem(issuer, client, code, { code_verifier: undefined })
    await expectError(response, 400, 'invalid_request')
  })

  it('E05 refuses a code of another client', async () => {
    const other = await registered(issuer)
    const code = await authorizedCode(issuer, client)
    await expectError(await redeem(issuer, other.client_id, code), 400, 'invalid_grant')
  })

  it('E05 refuses a resource that was not authorized, and leaves the code usable', async () => {
    const code = await authorizedCode(issuer, client, { resource: RESOURCE })
    const response = await redeem(issuer, client, code, { resource: OTHER_RESOURCE })
    await expectError(response, 400, 'invalid_target')
    expect((await redeem(issuer, client, code)).status).toBe(200)
  })

  it.each([
    ['43 characters', 'a'.repeat(43), 200],
    ['42 characters', 'a'.repeat(42), 400],
    ['128 characters', 'a'.repeat(128), 200],
    ['129 characters', 'a'.repeat(129), 400],
    ['a blank', `${'a'.repeat(43)} b`, 400],
  ])('E06 judges a verifier with %s by its form too', async (_, code_verifier, status) => {
    const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
    const code = await authorizedCode(issuer, client, { code_challenge })
    expect((await redeem(issuer, client, code, { code_verifier })).status).toBe(status)
  })

  it('refuses a code the second time and ends what the first use gave', async () => {
    const code = await authorizedCode(issuer, client)
    const { refresh_token } = await tokensOf(await redeem(issuer, client, code))
    await expectError(await redeem(issuer, client, code), 400, 'invalid_grant')
    const refresh = { grant_type: 'refresh_token', client_id: client, refresh_token }
    await expectError(await postForm(`${issuer.url}/oauth/token`, refresh), 400, 'invalid_grant')
  })

  it('takes a code for 60 seconds and no longer', async () => {
    const early = await authorizedCode(issuer, client)
    now += 59_999
    expect((await redeem(issuer, client, early)).status).toBe(200)
    const late = await authorizedCode(issuer, client)
    now += 60_000
    await expectError(await redeem(issuer, client, late), 400, 'invalid_grant')
  })

  it('rotates refresh tokens, and ends the family when one comes back', async () => {
    const code = await authorizedCode(issuer, client, { resource: RESOURCE, scope: 'docs.read' })
    const first = await tokensOf(await redeem(issuer, client, code))
    const refresh = (refresh_token: string, more = {}) =>
      postForm(`${issuer.url}/oauth/token`, {
        grant_type: 'refresh_token',
        client_id: client,
        refresh_token,
        ...more,
      })

    await expectError(
      await refresh(first.refresh_token, { scope: 'docs.write' }),
      400,
      'invalid_scope',
    )
    const second = await tokensOf(await refresh(first.refresh_token, { resource: RESOURCE }))
    expect(decodeJwt(second.access_token)).toMatchObject({ aud: RESOURCE, scope: 'docs.read' })
    expect(second.refresh_token).not.toBe(first.refresh_token)
    await expectError(await refresh(first.refresh_token), 400, 'invalid_grant')
    await expectError(await refresh(second.refresh_token), 400, 'invalid_grant')
  })

  it('gives no refresh token to a client that did not register for it', async () => {
    const { client_id } = await registered(issuer, { grant_types: ['authorization_code'] })
    const code = await authorizedCode(issuer, client_id)
    expect(await tokensOf(await redeem(issuer, client_id, code))).not.toHaveProperty(
      'refresh_token',
    )
  })

  it.each([
    ['in the body', { client_id: 'se:rver', client_secret: 's&cret' }, {}],
    ['by Basic, form-encoded', { client_id: undefined }, basic('se%3Arver', 's%26cret')],
  ])('authenticates a confidential client %s', async (_, parameters, headers) => {
    const code = await authorizedCode(issuer, 'se:rver')
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
      ...parameters,
    }
    expect((await postForm(`${issuer.url}/oauth/token`, form, headers)).status).toBe(200)
  })

  it.each([
    ['E10 no secret', { client_id: 'se:rver' }, {}],
    ['E10 a wrong secret', { client_id: 'se:rver', client_secret: 'x' }, {}],
    ['E08 a wrong secret by Basic', {}, basic('se%3Arver', 'x')],
    ['E08 Basic without a colon', {}, { authorization: `Basic ${btoa('server')}` }],
    ['E08 Basic with a bad escape', {}, basic('se%3', 'x')],
    ['E08 Basic that is no base64', {}, { authorization: 'Basic !!' }],
    ['an unknown client', { client_id: 'nobody' }, {}],
    ['no client', {}, {}],
  ])('%s is an invalid client', async (_, parameters, headers) => {
    const form = { grant_type: 'authorization_code', code: 'x', code_verifier: VERIFIER }
    const response = await postForm(
      `${issuer.url}/oauth/token`,
      { ...form, ...parameters },
      headers,
    )
    const challenge = response.headers.get('www-authenticate')
    expect(challenge === null).toBe(!('authorization' in headers))
    await expectError(response, 401, 'invalid_client')
  })

  it('refuses two authentication methods at once', async () => {
    const form = { grant_type: 'refresh_token', client_id: 'se:rver', client_secret: 's&cret' }
    const response = await postForm(
      `${issuer.url}/oauth/token`,
      form,
      basic('se%3Arver', 's%26cret'),
    )
    await expectError(response, 400, 'invalid_request')
  })

  it('names unsupported grants', async () => {
    const form = { grant_type: 'password', client_id: client }
    await expectError(
      await postForm(`${issuer.url}/oauth/token`, form),
      400,
      'unsupported_grant_type',
    )
  })

  it('E13 refuses parameters in the query, repeated ones and JSON', async () => {
    const url = `${issuer.url}/oauth/token`
    const form = { grant_type: 'refresh_token', client_id: client, refresh_token: 'x' }
    await expectError(await postForm(`${url}?code=1`, form), 400, 'invalid_request')
    const twice = new URLSearchParams(form)
    twice.append('client_id', client)
    await expectError(await fetch(url, { method: 'POST', body: twice }), 400, 'invalid_request')
    const headers = { 'content-type': 'application/json' }
    const json = await fetch(url, { method: 'POST', headers, body: JSON.stringify(form) })
    await expectError(json, 400, 'invalid_request')
  })
})
