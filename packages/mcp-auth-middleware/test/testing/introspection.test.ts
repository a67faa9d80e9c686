import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { authorizedCode, basic, postForm, redeem, registered, tokensOf } from './oauth-client.js'

const AUDIENCE = 'https://mcp.test/mcp'
const SERVER = basic('server', 'secret')

let now = Date.now()
let issuer: TestIssuer
beforeAll(async () => {
  issuer = createTestIssuer({
    audience: AUDIENCE,
    now: () => now,
    clients: [{ clientId: 'server', clientSecret: 'secret' }],
  })
  await issuer.listen()
})
afterAll(() => issuer.close())

async function introspect(token: string, headers = SERVER): Promise<Record<string, unknown>> {
  const response = await postForm(`${issuer.url}/oauth/introspect`, { token }, headers)
  expect(response.status).toBe(200)
  return (await response.json()) as Record<string, unknown>
}

describe('POST /oauth/introspect', () => {
  it('tells the claims of an opaque token', async () => {
    const token = issuer.opaqueToken({ sub: 'ann', scope: 'docs.read' }, { prefix: 'oat_' })
    expect(token).toMatch(/^oat_[\w-]{43}$/)
    expect(await introspect(token)).toMatchObject({
      active: true,
      token_type: 'Bearer',
      iss: issuer.issuer,
      aud: AUDIENCE,
      sub: 'ann',
      scope: 'docs.read',
    })
  })

  it('tells the claims of its own access tokens', async () => {
    expect(await introspect(await issuer.token({ sub: 'ann' }))).toMatchObject({
      active: true,
      sub: 'ann',
    })
  })

  it.each([
    ['expired', 'expired'],
    ['signed by a stranger', 'foreign-key-same-kid'],
    ['changed', 'bit-flipped-signature'],
    ['an ID token', 'id-token'],
    ['not signed', 'alg-none'],
    ['unknown', 'unknown-opaque'],
  ] as const)('calls a token inactive that is %s, and says nothing else', async (_, fault) => {
    expect(await introspect(await issuer.faulty(fault))).toEqual({ active: false })
  })

  it('calls an opaque token inactive from its expiry on', async () => {
    const exp = Math.floor(now / 1000) + 60
    const token = issuer.opaqueToken({ exp })
    now = exp * 1000 - 1
    expect(await introspect(token)).toMatchObject({ active: true })
    now = exp * 1000
    expect(await introspect(token)).toEqual({ active: false })
  })

  it('E27 needs a client with a secret', async () => {
    const token = issuer.opaqueToken()
    const { client_id } = await registered(issuer)
    const url = `${issuer.url}/oauth/introspect`
    expect((await postForm(url, { token })).status).toBe(401)
    expect((await postForm(url, { token, client_id })).status).toBe(401)
    expect((await postForm(url, { token }, basic('server', 'wrong'))).status).toBe(401)
  })

  it('E27 tells a registered client about its own tokens only', async () => {
    const { client_id, client_secret = '' } = await registered(issuer, {
      token_endpoint_auth_method: 'client_secret_basic',
    })
    const own = basic(client_id, client_secret)
    expect(await introspect(issuer.opaqueToken({ client_id }), own)).toMatchObject({ active: true })
    expect(await introspect(issuer.opaqueToken(), own)).toEqual({ active: false })
  })
})

describe('POST /oauth/revoke', () => {
  it('ends the access tokens of a revoked refresh token', async () => {
    const { client_id } = await registered(issuer)
    const code = await authorizedCode(issuer, client_id)
    const { access_token, refresh_token } = await tokensOf(await redeem(issuer, client_id, code))
    expect(await introspect(access_token)).toMatchObject({ active: true })

    const other = await registered(issuer)
    const url = `${issuer.url}/oauth/revoke`
    const foreign = { client_id: other.client_id, token: refresh_token }
    expect((await postForm(url, foreign)).status).toBe(200)
    expect(await introspect(access_token)).toMatchObject({ active: true })

    expect((await postForm(url, { client_id, token: refresh_token })).status).toBe(200)
    expect(await introspect(access_token)).toEqual({ active: false })
  })

  it('ends an access token and an opaque token', async () => {
    const { client_id } = await registered(issuer)
    for (const token of [await issuer.token({ client_id }), issuer.opaqueToken({ client_id })]) {
      expect(await introspect(token)).toMatchObject({ active: true })
      await postForm(`${issuer.url}/oauth/revoke`, { client_id, token })
      expect(await introspect(token)).toEqual({ active: false })
    }
  })

  it('answers 200 for a token that nobody issued', async () => {
    const { client_id } = await registered(issuer)
    const response = await postForm(`${issuer.url}/oauth/revoke`, { client_id, token: 'x' })
    expect(response.status).toBe(200)
  })
})
