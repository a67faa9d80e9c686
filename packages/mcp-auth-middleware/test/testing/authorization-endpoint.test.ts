import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import {
  authorize,
  authorizedCode,
  CHALLENGE,
  REDIRECT_URI,
  redeem,
  redirectParameters,
  registered,
  tokensOf,
} from './oauth-client.js'

const RESOURCE = 'https://mcp.test/mcp'
const OTHER_RESOURCE = 'https://mcp.test/other'

const now = Date.now()
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

describe('GET /oauth/authorize', () => {
  it('redirects with code, state and iss', async () => {
    const response = await authorize(issuer, client)
    const parameters = redirectParameters(response)
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toMatch(`${REDIRECT_URI}?`)
    expect(Object.fromEntries(parameters)).toEqual({
      code: expect.stringMatching(/^[\w-]{43}$/),
      state: 'st te&1',
      iss: issuer.issuer,
    })
  })

  it('A24 sends no state when there was none', async () => {
    const response = await authorize(issuer, client, { state: undefined })
    expect(redirectParameters(response).has('state')).toBe(false)
  })

  it.each([
    ['A14 no code challenge', { code_challenge: undefined }, 'invalid_request'],
    ['A14 method plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['A14 no method', { code_challenge_method: undefined }, 'invalid_request'],
    ['A14 a short challenge', { code_challenge: CHALLENGE.slice(1) }, 'invalid_request'],
    ['A19 an unknown resource', { resource: 'https://evil.test/mcp' }, 'invalid_target'],
    ['A19 a sibling resource', { resource: `${RESOURCE}2` }, 'invalid_target'],
    ['A19 a resource with a fragment', { resource: `${RESOURCE}#f` }, 'invalid_target'],
    ['A19 a relative resource', { resource: '/mcp' }, 'invalid_target'],
    ['A21 response type token', { response_type: 'token' }, 'unsupported_response_type'],
    ['A21 no response type', { response_type: undefined }, 'invalid_request'],
    ['A18 a scope with a quote', { scope: 'a"b' }, 'invalid_scope'],
  ])('%s: redirects an error with state and iss', async (_, parameters, error) => {
    const answer = redirectParameters(await authorize(issuer, client, parameters))
    expect(Object.fromEntries(answer)).toMatchObject({
      error,
      state: 'st te&1',
      iss: issuer.issuer,
    })
    expect(answer.has('code')).toBe(false)
  })

  it.each([
    ['A01 an unregistered redirect URI', 'https://evil.test/cb'],
    ['A03 a slash more', `${REDIRECT_URI}/`],
    ['A03 a query more', `${REDIRECT_URI}?x=1`],
    ['A07 localhost for 127.0.0.1', 'http://localhost:7777/callback'],
    ['A07 https', 'https://127.0.0.1:7777/callback'],
    ['A07 127.0.0.2', 'http://127.0.0.2:7777/callback'],
    ['A03 another host behind an at sign', 'http://127.0.0.1:7777@evil.test/callback'],
    ['A02 no redirect URI', undefined],
  ])('%s: answers a page and does not redirect', async (_, redirect_uri) => {
    const response = await authorize(issuer, client, { redirect_uri, response_type: 'bad' })
    expect(response.status).toBe(400)
    expect(response.headers.get('location')).toBeNull()
  })

  it('A06 takes any port of a registered loopback redirect URI', async () => {
    const redirect_uri = 'http://127.0.0.1:50123/callback'
    const response = await authorize(issuer, client, { redirect_uri })
    expect(response.headers.get('location')).toMatch(`${redirect_uri}?code=`)
  })

  it('does not redirect for an unknown client', async () => {
    const response = await authorize(issuer, 'nobody')
    expect(response.status).toBe(400)
    expect(response.headers.get('location')).toBeNull()
  })

  it('A13 does not redirect when the redirect URI is named twice', async () => {
    const search = new URLSearchParams({ client_id: client, redirect_uri: REDIRECT_URI })
    search.append('redirect_uri', 'https://evil.test/cb')
    const response = await fetch(`${issuer.url}/oauth/authorize?${search}`, { redirect: 'manual' })
    expect(response.status).toBe(400)
  })

  it('A26 wins over parameters planted in the registered redirect URI', async () => {
    const redirect_uri = 'https://c.test/cb?iss=evil&code=x&error=y&keep=1'
    const { client_id } = await registered(issuer, { redirect_uris: [redirect_uri] })
    const answer = redirectParameters(await authorize(issuer, client_id, { redirect_uri }))
    expect(answer.getAll('iss')).toEqual([issuer.issuer])
    expect(answer.getAll('code')).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
    expect(answer.has('error')).toBe(false)
    expect(answer.get('keep')).toBe('1')
  })
})

describe('an issuer without a configured audience', () => {
  it('puts the resource that the client names into the token, and needs one', async () => {
    const open = createTestIssuer()
    await open.listen()
    try {
      const { client_id } = await registered(open)
      const code = await authorizedCode(open, client_id, { resource: RESOURCE, scope: 'a b' })
      const tokens = await tokensOf(await redeem(open, client_id, code))
      expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: RESOURCE, scope: 'a b' })
      const refused = redirectParameters(await authorize(open, client_id))
      expect(refused.get('error')).toBe('invalid_target')
      await expect(open.token()).rejects.toThrow(TypeError)
    } finally {
      await open.close()
    }
  })
})
