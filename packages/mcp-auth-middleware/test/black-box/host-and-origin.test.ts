import { afterAll, describe, expect, it } from 'vitest'
import {
  assertAccepted,
  assertContract,
  assertRefusedInFront,
  describeReasonCodes,
  probe,
} from './contract.js'
import { HOST_KINDS, useHost } from './hosts.js'
import type { Scenario, TableSpec } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

afterAll(stopWorkers)

const LOCAL = 'http://localhost:3000/mcp'
const LOCAL_METADATA = 'http://localhost:3000/.well-known/oauth-protected-resource/mcp'
const table: TableSpec = {
  kind: 'table',
  selects: { prefixes: ['tbl_'] },
  authorizationServers: ['https://as.test'],
  tokens: { tbl_good: { principal: {} } },
}
const GOOD = ['Authorization', 'Bearer tbl_good'] as const
const origin = (value: string) => ['Origin', value] as const

describe.each(HOST_KINDS)('a loopback resource on %s', (kind) => {
  const host = useHost(kind, () => ({ options: { resource: LOCAL }, validators: [table] }))

  it.each([
    'localhost',
    'localhost:3000',
    'LOCALHOST:3000',
    '127.0.0.1:8080',
    '127.1.2.3',
    '[::1]:3000',
    'app.localhost:3000',
  ])('answers on the loopback name %s', async (name) => {
    assertAccepted(await probe(host(), { host: name, headers: [GOOD] }))
    assertContract(await probe(host(), { host: name }), 'BARE', {
      resourceMetadata: LOCAL_METADATA,
    })
  })

  it.each([
    'evil.test:3000',
    'evil.test',
    'localhost.evil.test',
    'evil-localhost',
    'localhost.',
    '127.0.0.1.evil.test',
    '128.0.0.1',
    '0.0.0.0:3000',
    '[::]:3000',
    '192.168.1.5:3000',
    'localhost@evil.test',
    'localhost/evil.test',
    'localhost#',
    'localhost:3000:80',
    'evil.test,localhost',
    '',
  ])('C16 forbids the host %j, with a good token or without', async (name) => {
    for (const headers of [[GOOD], []]) {
      const exchange = await probe(host(), { host: name, headers })
      if (exchange.events.length === 0) assertRefusedInFront(exchange)
      else
        assertContract(exchange, 'FORB', {
          reason: 'host_not_allowed',
          secrets: name === '' ? [] : [name],
        })
    }
  })

  it('C16 never runs the handler for a request without Host', async () => {
    const exchange = await probe(host(), { host: null, headers: [GOOD] })
    if (exchange.events.length === 0) assertRefusedInFront(exchange)
    else assertContract(exchange, 'FORB', { reason: 'host_not_allowed' })
    const old = await probe(host(), 'POST /mcp HTTP/1.0\r\nAuthorization: Bearer tbl_good\r\n\r\n')
    // The Node adapter of Hono puts `localhost` in the place of a host that no browser leaves out.
    if (kind !== 'hono') expect(old.calls).toEqual([])
  })

  it('C16 is not led by a second Host field', async () => {
    const exchange = await probe(host(), {
      host: 'evil.test',
      headers: [['Host', 'localhost'], GOOD],
    })
    expect(exchange.calls).toEqual([])
    const reverse = await probe(host(), {
      host: 'localhost',
      headers: [['X-Forwarded-Host', 'evil.test'], GOOD],
    })
    assertAccepted(reverse)
  })

  it.each([
    'http://localhost:3000',
    'http://localhost:6274',
    'https://127.0.0.1',
    'http://[::1]:1',
  ])('answers the loopback origin %s', async (value) => {
    const exchange = await probe(host(), { host: 'localhost', headers: [origin(value), GOOD] })
    assertAccepted(exchange)
    expect(exchange.response.header('access-control-allow-origin')).toBe(value)
    expect(exchange.response.header('vary')).toMatch(/\bOrigin\b/)
  })

  it.each([
    'https://evil.test',
    'http://localhost.evil.test',
    'http://localhost:3000.evil.test',
    'http://localhost:3000/',
    'http://localhost@evil.test',
    'null',
    'file://',
    'localhost',
    'HTTP://LOCALHOST:3000',
    'http://localhost, http://evil.test',
    'vscode-file://vscode-app',
  ])('C16 forbids the origin %s, with a good token or without', async (value) => {
    for (const headers of [[origin(value), GOOD], [origin(value)]]) {
      const exchange = await probe(host(), { host: 'localhost', headers })
      assertContract(exchange, 'FORB', { reason: 'origin_not_allowed' })
      expect(exchange.response.header('access-control-allow-origin')).toBeUndefined()
      expect(exchange.response.header('vary')).toMatch(/\bOrigin\b/)
    }
  })

  it('C16 forbids their preflights', async () => {
    const headers = [
      origin('https://evil.test'),
      ['Access-Control-Request-Method', 'POST'],
    ] as const
    assertContract(await probe(host(), { method: 'OPTIONS', host: 'localhost', headers }), 'FORB')
  })

  it('C16 forbids a host before it looks at the origin and the token', async () => {
    const headers = [origin('http://localhost:3000'), GOOD]
    const exchange = await probe(host(), { host: 'evil.test', headers })
    assertContract(exchange, 'FORB', { reason: 'host_not_allowed' })
  })
})

describe.each(HOST_KINDS)('a public resource on %s', (kind) => {
  describe('by default', () => {
    const host = useHost(kind, () => ({
      options: { resource: 'https://mcp.test/mcp' },
      validators: [table],
    }))

    it.each(['mcp.test', 'internal:8080', '10.0.0.7', 'localhost'])(
      'answers on any host, since proxies rewrite it: %s',
      async (name) => {
        assertAccepted(await probe(host(), { host: name, headers: [GOOD] }))
      },
    )

    it.each(['https://evil.test', 'null', 'http://localhost:6274'])(
      'lets any origin send a Bearer token: %s',
      async (value) => {
        const exchange = await probe(host(), { headers: [origin(value), GOOD] })
        assertAccepted(exchange)
        expect(exchange.response.header('access-control-allow-origin')).toBe('*')
      },
    )
  })

  describe('with allowed hosts', () => {
    const host = useHost(kind, () => ({
      options: { resource: 'https://mcp.test/mcp', allowedHosts: ['Internal:8080'] },
      validators: [table],
    }))

    it.each(['mcp.test', 'MCP.test', 'internal:8080'])('answers on %s', async (name) => {
      assertAccepted(await probe(host(), { host: name, headers: [GOOD] }))
    })

    it.each([
      'internal',
      'internal:80800',
      'xmcp.test',
      'mcp.test.evil.test',
      'evil.test',
      'localhost',
    ])('forbids %s', async (name) => {
      const exchange = await probe(host(), { host: name, headers: [GOOD] })
      // A port that is none is refused by the server in front of a fetch host.
      if (exchange.events.length === 0) assertRefusedInFront(exchange)
      else assertContract(exchange, 'FORB', { reason: 'host_not_allowed' })
    })
  })

  describe('with a credential in a cookie', () => {
    const withCookie = (options: Partial<Scenario['options']> = {}): Scenario => ({
      options: {
        resource: 'https://mcp.test/mcp',
        authorizationServers: ['https://as.test'],
        ...options,
      },
      validators: [
        table,
        {
          kind: 'table',
          name: 'edge',
          selects: { header: { name: 'x-edge-assertion', cookie: 'edge', wins: false } },
          tokens: { 'edge-good': { principal: { subject: 'eve' } } },
        },
      ],
    })
    const COOKIE = ['Cookie', 'edge=edge-good'] as const

    describe('and no list of origins', () => {
      const host = useHost(kind, () => withCookie())

      it('reads the cookie for the own origin and for no browser', async () => {
        for (const headers of [[COOKIE], [COOKIE, origin('https://mcp.test')]]) {
          const exchange = await probe(host(), { headers })
          expect(assertAccepted(exchange).caller.subject).toBe('eve')
          expect(exchange.response.header('access-control-allow-credentials')).toBeUndefined()
        }
      })

      it.each([
        'https://evil.test',
        'http://mcp.test',
        'https://mcp.test:444',
        'https://x.mcp.test',
        'null',
      ])('C14 forbids the origin %s, for every kind of credential', async (value) => {
        for (const credential of [COOKIE, GOOD]) {
          const exchange = await probe(host(), { headers: [origin(value), credential] })
          assertContract(exchange, 'FORB', { reason: 'origin_not_allowed' })
        }
      })

      it('refuses a cookie beside a Bearer token', async () => {
        const exchange = await probe(host(), { headers: [COOKIE, GOOD] })
        assertContract(exchange, 'MAL_400', { reason: 'two_methods' })
      })

      it.each([
        ['another name', 'edges=edge-good'],
        ['another case', 'EDGE=edge-good'],
        ['a prefix', 'xedge=edge-good'],
        ['no value', 'edge='],
        ['twice', 'edge=edge-good; edge=edge-good'],
        ['a value elsewhere', 'a=edge=edge-good'],
      ])('reads no cookie with %s', async (_name, cookie) => {
        assertContract(await probe(host(), { headers: [['Cookie', cookie]] }), 'BARE')
      })
    })

    describe('and a list of origins', () => {
      const host = useHost(kind, () => withCookie({ allowedOrigins: ['https://app.test'] }))

      it('reads it for listed origins only', async () => {
        const headers = [COOKIE, origin('https://app.test')]
        assertAccepted(await probe(host(), { headers }))
        const own = await probe(host(), { headers: [COOKIE, origin('https://mcp.test')] })
        assertContract(own, 'FORB', { reason: 'origin_not_allowed' })
      })
    })
  })
})

describeReasonCodes()
