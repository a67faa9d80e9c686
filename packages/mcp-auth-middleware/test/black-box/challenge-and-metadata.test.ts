import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import { ConfigurationError } from '../../src/errors.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import {
  assertAccepted,
  assertContract,
  assertRefusedInFront,
  describeReasonCodes,
  METADATA_URL,
  parseChallenge,
  probe,
} from './contract.js'
import { HOST_KINDS, useHost } from './hosts.js'
import { sendRaw } from './raw-http.js'
import type { Scenario, TableSpec } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

/*
 * C18 is about an authorization server's own metadata; the mirror has only its first rule, that the
 * issuer is exact. C25 has no subject here: this package ships no client that opens a URL or a shell.
 */

const RESOURCE = 'https://mcp.test/mcp'
const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp'
const MIRROR_PATH = '/.well-known/oauth-authorization-server'
const DEAD_ISSUER = 'http://127.0.0.1:9'

let issuer: TestIssuer
let impostor: TestIssuer

beforeAll(async () => {
  issuer = createTestIssuer({ audience: RESOURCE })
  impostor = createTestIssuer({ audience: RESOURCE })
  await Promise.all([issuer.listen(), impostor.listen()])
})
afterAll(async () => {
  await stopWorkers()
  await Promise.all([issuer.close(), impostor.close()])
})

const table = (over: Partial<TableSpec> = {}): TableSpec => ({
  kind: 'table',
  selects: { prefixes: ['tbl_'] },
  authorizationServers: ['https://as.test'],
  tokens: {
    tbl_good: { principal: { scopes: ['read'] } },
    tbl_few: { principal: { scopes: ['other'] } },
    tbl_hostile: { rejected: 'quote"back\\slash\r\nX-Injected: é' },
    tbl_down: { unavailable: 7 },
    tbl_down_long: { unavailable: 1e9 },
    tbl_down_zero: { unavailable: 0 },
    tbl_down_negative: { unavailable: -5 },
    tbl_throws: { broken: 'throws' },
    tbl_no_verdict: { broken: 'no-verdict' },
    tbl_no_principal: { broken: 'no-principal' },
    tbl_odd: { broken: 'odd-kind' },
    tbl_bad_principal: { broken: 'bad-principal' },
    tbl_forbidden: { forbidden: 'client_not_listed' },
  },
  ...over,
})
const bearer = (token: string) => ['Authorization', `Bearer ${token}`] as const

describe.each(HOST_KINDS)('challenges and refusals on %s', (kind) => {
  describe.each([
    ['that answers at once', undefined],
    ['that answers later', 2],
  ])('with a validator %s', (_when, delayMs) => {
    const host = useHost(kind, () => ({
      options: { resource: RESOURCE, scopes: { required: ['read', 'write'] } },
      validators: [table(delayMs === undefined ? {} : { delayMs })],
    }))

    it('C06 keeps hostile reasons out of the challenge', async () => {
      const exchange = await probe(host(), { headers: [bearer('tbl_hostile')] })
      expect(exchange.response.status).toBe(401)
      expect(exchange.response.header('x-injected')).toBeUndefined()
      expect(exchange.response.fields.flat().join()).not.toContain('quote')
      parseChallenge(exchange.response.header('www-authenticate') ?? '')
      expect(exchange.calls).toEqual([])
    })

    it.each(['tbl_throws', 'tbl_no_verdict', 'tbl_no_principal', 'tbl_odd', 'tbl_bad_principal'])(
      'answers 500 and one event when a validator breaks its contract: %s',
      async (token) => {
        const exchange = await probe(host(), { headers: [bearer(token)] })
        assertContract(exchange, 'ERR', { secrets: ['canary', '/etc', token] })
      },
    )

    it.each([
      ['tbl_down', '7'],
      ['tbl_down_long', '60'],
      ['tbl_down_zero', '1'],
      ['tbl_down_negative', '1'],
    ])('C21 answers an outage 503 with Retry-After 1 to 60: %s', async (token, seconds) => {
      const exchange = await probe(host(), { headers: [bearer(token)] })
      assertContract(exchange, 'DEP', { reason: 'validator_unavailable' })
      expect(exchange.response.header('retry-after')).toBe(seconds)
    })

    it('C22 lists all scopes of the operation in one challenge', async () => {
      for (const token of ['tbl_good', 'tbl_few']) {
        const exchange = await probe(host(), { headers: [bearer(token)] })
        assertContract(exchange, 'SCO', { scope: ['read', 'write'], reason: 'scope_missing' })
      }
    })

    it('answers 403 without a challenge when a validator forbids', async () => {
      assertContract(await probe(host(), { headers: [bearer('tbl_forbidden')] }), 'FORB')
    })

    it('answers HEAD like GET, without the body', async () => {
      const request = { method: 'HEAD', headers: [bearer('tbl_nobody')] }
      assertContract(await probe(host(), request), 'TOK', { body: false })
      const down = { method: 'HEAD', headers: [bearer('tbl_down')] }
      assertContract(await probe(host(), down), 'DEP', { body: false })
    })
  })

  describe('for a public resource', () => {
    const host = useHost(kind, () => ({
      options: {
        resource: RESOURCE,
        scopes: { required: ['read'] },
        resourceName: 'Docs "über" all',
        publicPaths: ['/health'],
      },
      validators: [table()],
    }))

    it.each([
      ['another host', 'evil.test'],
      ['a quote', 'evil.test", error="x'],
      ['a blank', 'evil test'],
      ['a user', 'a@evil.test'],
      ['no port number', 'mcp.test:abc'],
      ['an empty host', ''],
    ])('C01 C02 builds nothing from the Host field: %s', async (_name, evil) => {
      const exchange = await probe(host(), { host: evil })
      // The server in front of a fetch host may refuse it.
      if (exchange.events.length === 0) assertRefusedInFront(exchange)
      else assertContract(exchange, 'BARE', { secrets: evil === '' ? [] : ['evil', 'abc"'] })

      const document = await probe(host(), { method: 'GET', target: METADATA_PATH, host: evil })
      expect(document.response.text).not.toContain('evil')
      if (document.response.status === 200) {
        expect(JSON.parse(document.response.text).resource).toBe(RESOURCE)
      } else assertRefusedInFront(document)
    })

    it('C02 answers a request without Host or refuses it', async () => {
      const exchange = await probe(host(), { host: null })
      if (exchange.events.length === 0) assertRefusedInFront(exchange)
      else assertContract(exchange, 'BARE')
    })

    it.each([
      ['X-Forwarded-Host', 'evil.test'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Prefix', '/evil'],
      ['Forwarded', 'host=evil.test;proto=http'],
      ['X-Original-URL', '/health'],
      ['X-Rewrite-URL', '/health'],
      ['X-HTTP-Method-Override', 'OPTIONS'],
    ])('C04 builds and opens nothing by %s', async (name, value) => {
      assertContract(await probe(host(), { headers: [[name, value]] }), 'BARE', {
        secrets: ['evil', 'http://'],
      })
    })

    it('C08 serves the metadata at the path-inserted place and at the root', async () => {
      for (const target of [METADATA_PATH, '/.well-known/oauth-protected-resource']) {
        const { response } = await probe(host(), { method: 'GET', target })
        expect(response.status).toBe(200)
        expect(response.header('content-type')).toBe('application/json')
        expect(JSON.parse(response.text)).toEqual({
          resource: RESOURCE,
          authorization_servers: ['https://as.test'],
          scopes_supported: ['read'],
          bearer_methods_supported: ['header'],
          resource_name: 'Docs "über" all',
        })
      }
    })

    it('C08 names the place that it serves', async () => {
      const { response } = await probe(host(), {})
      const url = new Map(parseChallenge(response.header('www-authenticate') ?? '')).get(
        'resource_metadata',
      )
      expect(url).toBe(METADATA_URL)
      const { response: found } = await probe(host(), {
        method: 'GET',
        target: new URL(url ?? '').pathname,
      })
      expect(JSON.parse(found.text).resource).toBe(RESOURCE)
    })

    it('C10 answers POST, PUT, PATCH and DELETE to metadata with 405 and Allow', async () => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const { response, calls } = await probe(host(), {
          method,
          target: METADATA_PATH,
          body: '{',
        })
        expect(response.status).toBe(405)
        expect(response.header('allow')).toBe('GET, HEAD, OPTIONS')
        expect(response.header('cache-control')).toBe('no-store')
        expect(response.header('access-control-allow-origin')).toBe('*')
        expect(calls).toEqual([])
      }
    })

    it('C10 answers HEAD to metadata with the headers of GET and no body', async () => {
      const get = await sendRaw(host().port, { method: 'GET', target: METADATA_PATH })
      const head = await sendRaw(host().port, { method: 'HEAD', target: METADATA_PATH })
      expect(head.status).toBe(200)
      expect(head.body).toHaveLength(0)
      for (const name of ['content-type', 'content-length', 'cache-control']) {
        expect(head.header(name), name).toBe(get.header(name))
      }
      expect(get.header('content-length')).toBe(String(get.body.length))
    })

    it('C10 answers the preflight of metadata', async () => {
      const headers = [
        ['Origin', 'https://app.test'],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'mcp-protocol-version'],
      ] as const
      const { response } = await probe(host(), {
        method: 'OPTIONS',
        target: METADATA_PATH,
        headers,
      })
      expect(response.status).toBe(204)
      expect(response.header('access-control-allow-origin')).toBe('*')
      expect(response.header('access-control-allow-methods')).toBe('GET, HEAD, OPTIONS')
      expect(response.header('access-control-allow-headers')).toContain('mcp-protocol-version')
    })

    it('C12 lets metadata be cached for an hour at most, and no refusal at all', async () => {
      const { response } = await probe(host(), { method: 'GET', target: METADATA_PATH })
      const [, seconds] =
        /^public, max-age=(\d+)$/.exec(response.header('cache-control') ?? '') ?? []
      expect(Number(seconds)).toBeGreaterThan(0)
      expect(Number(seconds)).toBeLessThanOrEqual(3600)
    })

    it.each([
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/mcp',
      '/mcp/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/mcp',
      '/.well-known/oauth-protected-resource/other',
      '/.well-known/oauth-protected-resource/mcp/',
      '/.well-known/oauth-protected-resource/MCP',
    ])('answers JSON 404 for a discovery document that it does not have: %s', async (target) => {
      for (const method of ['GET', 'HEAD']) {
        const { response, calls } = await probe(host(), { method, target })
        expect(response.status).toBe(404)
        expect(response.header('content-type')).toBe('application/json')
        expect(response.header('cache-control')).toBe('no-store')
        expect(response.header('access-control-allow-origin')).toBe('*')
        if (method === 'GET') expect(JSON.parse(response.text).error).toBe('not_found')
        expect(calls).toEqual([])
      }
    })

    it.each([
      '/.well-known/jwks.json',
      '/.well-known/oauth-protected-resourceX',
      '/.Well-Known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource%2fmcp',
      '//.well-known/other',
      '/jwks',
    ])('guards what is no discovery document: %s', async (target) => {
      assertContract(await probe(host(), { method: 'GET', target }), 'BARE')
    })

    it('a good token gets no further at a discovery path', async () => {
      const { response, calls } = await probe(host(), {
        method: 'GET',
        target: '/mcp/.well-known/openid-configuration',
        headers: [bearer('tbl_good')],
      })
      expect([response.status, calls]).toEqual([404, []])
    })

    it('C14 sends no credentials header and exposes the challenge to every origin', async () => {
      const headers = [['Origin', 'https://evil.test']] as const
      const exchange = await probe(host(), { headers })
      assertContract(exchange, 'BARE')
      const { response } = exchange
      expect(response.header('access-control-allow-origin')).toBe('*')
      expect(response.header('access-control-expose-headers')).toContain('WWW-Authenticate')
      const accepted = await probe(host(), { headers: [...headers, bearer('tbl_good')] })
      assertAccepted(accepted)
      expect(accepted.response.header('access-control-allow-origin')).toBe('*')
      expect(accepted.response.header('access-control-allow-credentials')).toBeUndefined()
      expect(accepted.response.header('access-control-expose-headers')).toContain('Mcp-Session-Id')
    })

    it.each([
      ['no credential', undefined],
      ['a bad token', 'tbl_nobody'],
      ['a malformed line', 'a b'],
      ['a missing scope', 'tbl_few'],
      ['an outage', 'tbl_down'],
      ['a bug', 'tbl_throws'],
      ['a forbidden caller', 'tbl_forbidden'],
    ])('lets a browser client read the answer to %s', async (_name, token) => {
      const headers = [
        ['Origin', 'https://app.test'] as const,
        ...(token === undefined ? [] : [bearer(token)]),
      ]
      const { response } = await probe(host(), { headers })
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.header('access-control-allow-origin')).toBe('*')
      const exposed = response.header('access-control-expose-headers') ?? ''
      expect(exposed).toContain('WWW-Authenticate')
      expect(exposed).toContain('Retry-After')
    })

    it('C26 answers a path of 100 KB and 10,000 parameters quickly', async () => {
      const path = await probe(host(), { method: 'GET', target: `/${'a'.repeat(100_000)}` })
      if (path.events.length > 0) {
        assertContract(path, 'BARE')
        expect(JSON.stringify(path.events).length).toBeLessThan(2048)
      } else expect([400, 414, 431]).toContain(path.response.status)

      const query = Array.from({ length: 3000 }, (_, index) => `a${index}=`).join('&')
      const begun = performance.now()
      const { response } = await probe(host(), {
        method: 'GET',
        target: `${METADATA_PATH}?${query}`,
      })
      expect([200, 414, 431]).toContain(response.status)
      expect(performance.now() - begun).toBeLessThan(500)
    })
  })

  describe('with the extras of the challenge', () => {
    const host = useHost(kind, () => ({
      options: {
        resource: RESOURCE,
        challenge: { realm: 'MCP Server', resourceMetadataUri: true },
        scopesSupported: ['read', 'write'],
      },
      validators: [table()],
    }))

    it('repeats the URL and names the realm, in order and each once', async () => {
      const { response } = await probe(host(), { headers: [bearer('tbl_nobody')] })
      const attributes = parseChallenge(response.header('www-authenticate') ?? '')
      expect(attributes.map(([name]) => name)).toEqual([
        'realm',
        'error',
        'resource_metadata',
        'resource_metadata_uri',
        'error_description',
      ])
      expect(new Map(attributes).get('resource_metadata_uri')).toBe(METADATA_URL)
    })

    it('C11 publishes the configured scopes only', async () => {
      const { response } = await probe(host(), { method: 'GET', target: METADATA_PATH })
      expect(JSON.parse(response.text).scopes_supported).toEqual(['read', 'write'])
      expect(response.text).not.toContain('offline_access')
    })
  })

  describe('with a list of origins', () => {
    const host = useHost(kind, () => ({
      options: { resource: RESOURCE, allowedOrigins: ['https://a.test', 'https://b.test'] },
      validators: [table()],
    }))

    it('C13 answers each origin with its own value and always varies', async () => {
      for (const origin of ['https://a.test', 'https://b.test', 'https://a.test']) {
        for (const token of ['tbl_good', 'tbl_nobody']) {
          const { response } = await probe(host(), { headers: [['Origin', origin], bearer(token)] })
          expect(response.header('access-control-allow-origin')).toBe(origin)
          expect(response.header('vary')).toMatch(/\bOrigin\b/i)
        }
      }
      const { response } = await probe(host(), { headers: [bearer('tbl_good')] })
      expect(response.header('access-control-allow-origin')).toBeUndefined()
      expect(response.header('vary')).toMatch(/\bOrigin\b/i)
    })

    it.each([
      'https://c.test',
      'https://a.test.evil.test',
      'http://a.test',
      'https://a.test:444',
      'https://A.test',
      'null',
      'https://a.test, https://b.test',
    ])('C14 forbids %s, with no value for it', async (origin) => {
      const exchange = await probe(host(), { headers: [['Origin', origin], bearer('tbl_good')] })
      assertContract(exchange, 'FORB', { reason: 'origin_not_allowed' })
      expect(exchange.response.header('access-control-allow-origin')).toBeUndefined()
      expect(exchange.response.header('vary')).toMatch(/\bOrigin\b/i)
    })

    it('forbids the preflight of another origin', async () => {
      const headers = [
        ['Origin', 'https://c.test'],
        ['Access-Control-Request-Method', 'POST'],
      ] as const
      assertContract(await probe(host(), { method: 'OPTIONS', headers }), 'FORB')
    })

    it('varies the preflight by origin and requested headers', async () => {
      const headers = [
        ['Origin', 'https://a.test'],
        ['Access-Control-Request-Method', 'POST'],
      ] as const
      const { response } = await probe(host(), { method: 'OPTIONS', headers })
      expect(response.header('access-control-allow-origin')).toBe('https://a.test')
      expect(response.header('vary')).toBe('Origin, Access-Control-Request-Headers')
      expect(response.header('access-control-max-age')).toBe('600')
    })
  })
})

describe.each(HOST_KINDS)('the mirror for 2025-03-26 clients on %s', (kind) => {
  const read = { method: 'GET', target: MIRROR_PATH } as const
  const scenario = (authorizationServer: string, mirror = true): Scenario => ({
    options: {
      resource: RESOURCE,
      authorizationServers: [authorizationServer],
      mirrorAuthorizationServer: mirror,
    },
    validators: [table({ authorizationServers: [authorizationServer] })],
  })

  describe('of an issuer that answers', () => {
    const host = useHost(kind, () => scenario(issuer.issuer))

    it('C18 serves the document of the issuer, with the issuer exact', async () => {
      const { response } = await probe(host(), read)
      expect(response.status).toBe(200)
      expect(JSON.parse(response.text).issuer).toBe(issuer.issuer)
      expect(response.header('access-control-allow-origin')).toBe('*')
      expect(response.header('cache-control')).toMatch(/^public, max-age=\d{1,4}$/)
    })

    it('serves many readers by one fetch', async () => {
      const before = issuer.requests('metadata')
      await Promise.all(Array.from({ length: 20 }, () => sendRaw(host().port, read)))
      expect(issuer.requests('metadata') - before).toBeLessThanOrEqual(kind === 'workers' ? 20 : 1)
    })

    it('answers HEAD, OPTIONS and POST like other metadata', async () => {
      expect((await sendRaw(host().port, { ...read, method: 'HEAD' })).status).toBe(200)
      expect((await sendRaw(host().port, { ...read, method: 'OPTIONS' })).status).toBe(204)
      expect((await sendRaw(host().port, { ...read, method: 'POST' })).status).toBe(405)
    })

    it('never mirrors a JWK Set', async () => {
      for (const target of ['/jwks', '/.well-known/jwks.json', new URL(issuer.jwksUri).pathname]) {
        assertContract(await probe(host(), { method: 'GET', target }), 'BARE')
      }
    })
  })

  const outages: readonly [string, () => string, number][] = [
    ['refuses connections', () => DEAD_ISSUER, 503],
    // Its document names another issuer than the address at which it was read.
    ['is another one', () => impostor.issuer.replace('127.0.0.1', 'localhost'), 503],
  ]
  describe.each(outages)('of an issuer that %s', (_name, authorizationServer, status) => {
    const host = useHost(kind, () => scenario(authorizationServer()))

    it('C21 answers 503 that a browser client can read, and no document', async () => {
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const { response, calls } = await probe(host(), read)
        expect(response.status).toBe(status)
        expect(response.header('retry-after')).toMatch(/^[1-5]$/)
        expect(response.header('cache-control')).toBe('no-store')
        expect(response.header('www-authenticate')).toBeUndefined()
        expect(response.header('access-control-allow-origin')).toBe('*')
        expect(JSON.parse(response.text)).toEqual({ error: 'temporarily_unavailable' })
        expect(calls).toEqual([])
      }
    })

    it('goes on answering requests', async () => {
      assertAccepted(await probe(host(), { headers: [bearer('tbl_good')] }))
    })
  })

  describe('switched off', () => {
    const host = useHost(kind, () => scenario(issuer.issuer, false))

    it('is JSON 404, and nothing is fetched', async () => {
      const before = issuer.requests('metadata')
      expect((await probe(host(), read)).response.status).toBe(404)
      expect(issuer.requests('metadata')).toBe(before)
    })
  })
})

describe('C24 a server whose metadata would be wrong does not start', () => {
  const start = (options: Partial<McpAuthOptions>) => () =>
    createMcpAuth({
      resource: RESOURCE,
      validators: [
        {
          name: 'opaque',
          selects: { opaque: true },
          authorizationServers: [],
          scopeSource: 'token',
          resourceBinding: 'audience',
          validate: () => ({ kind: 'rejected', reason: 'unknown_token' }),
        },
      ],
      authorizationServers: ['https://as.test'],
      ...options,
    })

  it('starts with the neighbour of all of these', () => {
    expect(start({})).not.toThrow()
  })

  it.each<[string, Partial<McpAuthOptions>]>([
    ['no authorization server in the list', { authorizationServers: [] }],
    ['a relative authorization server', { authorizationServers: ['/as'] }],
    ['an authorization server without TLS', { authorizationServers: ['http://as.test'] }],
    ['an authorization server with a query', { authorizationServers: ['https://as.test?x=1'] }],
    ['an authorization server with a fragment', { authorizationServers: ['https://as.test#x'] }],
    ['an authorization server with a user', { authorizationServers: ['https://a:b@as.test'] }],
    ['a script as authorization server', { authorizationServers: ['javascript:alert(1)'] }],
    ['a relative resource', { resource: '/mcp' }],
    ['a resource with a fragment', { resource: `${RESOURCE}#x` }],
    ['a resource with a query', { resource: `${RESOURCE}?x` }],
    ['a resource with a trailing slash', { resource: `${RESOURCE}/` }],
    ['a resource with a user', { resource: 'https://a:b@mcp.test/mcp' }],
    ['a resource without TLS', { resource: 'http://mcp.test/mcp' }],
    ['a resource that is not normal', { resource: 'https://mcp.test/x/../mcp' }],
    ['an empty resource', { resource: '' }],
    ['offline_access', { scopes: { required: ['offline_access'] } }],
    ['offline_access to publish', { scopesSupported: ['offline_access'] }],
    ['a scope with a quote', { scopes: { required: ['a"b'] } }],
    ['a realm with a quote', { challenge: { realm: 'a"b' } }],
    ['an origin with a path', { allowedOrigins: ['https://a.test/x'] }],
    ['a wildcard origin', { allowedOrigins: ['*'] }],
    ['a script as documentation', { resourceDocumentation: 'javascript:alert(1)' }],
  ])('%s', (_name, options) => {
    expect(start(options)).toThrow(ConfigurationError)
  })

  it('an unknown option, such as bearer methods', () => {
    const options: object = { bearerMethodsSupported: ['query'] }
    expect(start(options)).toThrow(/bearerMethodsSupported/)
  })
})

describeReasonCodes()
