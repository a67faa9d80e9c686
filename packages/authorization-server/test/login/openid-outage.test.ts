import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { oidc } from '../../src/login/oidc.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from './support/openid-provider.js'
import { HTTP_FAULTS, type HttpFault } from './support/provider-faults.js'
import { CALLBACK, signIn } from './support/sign-in.js'

const MINUTES = 60_000

let provider: OpenidProvider
let time: number

beforeEach(async () => {
  time = Date.now()
  provider = await startOpenidProvider({ now: () => time })
})

afterEach(() => provider.close())

function login(fault?: HttpFault) {
  return oidc({
    id: 'company',
    label: 'Company login',
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    now: () => time,
    ...(fault === 'hang' ? { timeoutMilliseconds: 1000 } : {}),
  })
}

const count = (name: string) => provider.requests.filter((each) => each === name).length

describe.each(Object.entries(HTTP_FAULTS))('an upstream whose answer is %s', (_name, fault) => {
  it('A46 makes the start reject as unavailable, without text of the upstream', async () => {
    provider.faults = { http: { metadata: fault } }
    const error: unknown = await login(fault)
      .start(CALLBACK)
      .catch((thrown: unknown) => thrown)

    expect(error).toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE', issuer: provider.issuer })
    expect(error).toMatchObject({ cause: { message: expect.stringContaining('metadata') } })
    expect(inspect(error, { depth: 9 })).not.toMatch(/canary/)
  })

  it.each(['token', 'jwks', 'userinfo'])(
    'makes the answer unavailable, not invalid, at the %s endpoint',
    async (endpoint) => {
      const company = login(fault)
      const { url, state } = await company.start(CALLBACK)
      provider.faults = { http: { [endpoint]: fault } }
      const result = await company.finish(provider.authorize(url), state)

      expect(result).toMatchObject({ kind: 'unavailable' })
      expect(JSON.stringify(result)).not.toContain('canary')

      provider.faults = {}
      await expect(signIn(company, provider)).resolves.toMatchObject({ kind: 'identity' })
    },
  )
})

describe('an upstream that is down when the answer comes', () => {
  it('is unavailable when its metadata are needed again', async () => {
    const company = login()
    const { url, state } = await company.start(CALLBACK)
    time += 16 * MINUTES
    provider.faults = { http: { metadata: (response) => response.writeHead(500).end() } }

    await expect(company.finish(provider.authorize(url), state)).resolves.toEqual({
      kind: 'unavailable',
      reason: 'discovery_http_status',
    })
  })

  it.each([
    ['invalid_client', { kind: 'unavailable', reason: 'client_refused' }],
    ['temporarily_unavailable', { kind: 'unavailable', reason: 'upstream_error' }],
    ['invalid_grant', { kind: 'invalid', reason: 'code_refused' }],
    ['canary_unheard_of', { kind: 'invalid', reason: 'token_refused' }],
  ])('answers %s at the token endpoint: a fixed word comes out', async (error, expected) => {
    const company = login()
    const body = JSON.stringify({ error, error_description: 'canary <script>' })
    provider.faults = {
      http: {
        token: (response) => {
          const challenge = { 'www-authenticate': 'Basic realm="canary"' }
          response.writeHead(401, { 'content-type': 'application/json', ...challenge }).end(body)
        },
      },
    }

    await expect(signIn(company, provider)).resolves.toEqual(expected)
  })

  it('holds one deadline for all requests of a step', async () => {
    const company = oidc({
      id: 'company',
      label: 'Company login',
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      timeoutMilliseconds: 1000,
      fetch: async (input, init) => {
        // Each request is in time by itself; together the last two are not.
        const isLate = !String(input).endsWith('/openid-configuration')
        await new Promise((resolve) => setTimeout(resolve, isLate ? 600 : 0))
        return fetch(input, init)
      },
    })
    const { url, state } = await company.start(CALLBACK)

    await expect(company.finish(provider.authorize(url), state)).resolves.toEqual({
      kind: 'unavailable',
      reason: 'timeout',
    })
  })
})

describe('the metadata of an upstream', () => {
  it('is read once by callers at the same time', async () => {
    const company = login()
    await Promise.all(Array.from({ length: 20 }, () => company.start(CALLBACK)))

    expect(count('metadata')).toBe(1)
  })

  it('is kept for 15 minutes', async () => {
    const company = login()
    await company.start(CALLBACK)
    time += 15 * MINUTES - 1
    await company.start(CALLBACK)
    expect(count('metadata')).toBe(1)

    time += 1
    await company.start(CALLBACK)
    expect(count('metadata')).toBe(2)
  })

  it('is read again when the clock was set back', async () => {
    const company = login()
    await company.start(CALLBACK)
    time -= 60 * MINUTES
    await company.start(CALLBACK)

    expect(count('metadata')).toBe(2)
  })

  it('is asked for again one second after a failure, and not before', async () => {
    const company = login()
    provider.faults = { http: { metadata: (response) => response.writeHead(503).end() } }
    await expect(company.start(CALLBACK)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
    provider.faults = {}
    time += 999
    await expect(company.start(CALLBACK)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
    expect(count('metadata')).toBe(1)

    time += 1
    await expect(company.start(CALLBACK)).resolves.toMatchObject({ state: { provider: 'company' } })
    expect(count('metadata')).toBe(2)
  })

  it.each([
    ['name another issuer', { issuer: 'https://other.example' }],
    ['name the issuer with a slash', { issuer: 'slash' }],
    ['name no issuer', { issuer: undefined }],
    ['have no key set', { jwks_uri: undefined }],
    ['have no token endpoint', { token_endpoint: undefined }],
    ['have a key set over plain http', { jwks_uri: 'http://keys.example/jwks' }],
    ['have a token endpoint that is no URL', { token_endpoint: '/token' }],
    ['have an endpoint with a script', { authorization_endpoint: 'javascript:alert(1)' }],
    ['offer shared secrets alone', { id_token_signing_alg_values_supported: ['HS256', 'none'] }],
    ['offer algorithms that are no list', { id_token_signing_alg_values_supported: 'RS256' }],
  ])('is not used when it would %s', async (_name, change: Record<string, unknown>) => {
    const { issuer } = provider
    const metadata = change.issuer === 'slash' ? { issuer: `${issuer}/` } : change
    const company = oidc({
      id: 'company',
      label: 'Company login',
      issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      fetch: async () => Response.json({ ...provider.metadata(), ...metadata }),
    })

    await expect(company.start(CALLBACK)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
  })

  it('may not point a provider elsewhere at this machine', async () => {
    const remote = (metadata: Record<string, unknown>) => {
      const document = {
        ...provider.metadata(),
        issuer: 'https://login.example',
        authorization_endpoint: 'https://login.example/authorize',
        token_endpoint: 'https://login.example/token',
        jwks_uri: 'https://login.example/jwks',
        userinfo_endpoint: 'https://login.example/userinfo',
        ...metadata,
      }
      const settings = { issuer: 'https://login.example', clientId: 'c', clientSecret: 's' }
      const fetch = async () => Response.json(document)
      return oidc({ id: 'company', label: 'Company', ...settings, fetch })
    }

    await expect(remote({}).start(CALLBACK)).resolves.toBeDefined()
    await expect(
      remote({ token_endpoint: 'http://127.0.0.1:8080/token' }).start(CALLBACK),
    ).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
    await expect(
      remote({ jwks_uri: 'https://localhost/jwks' }).start(CALLBACK),
    ).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
  })
})
