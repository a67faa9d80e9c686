import { afterAll, describe, expect, it } from 'vitest'
import {
  assertAccepted,
  assertContract,
  assertRefusedInFront,
  describeReasonCodes,
  probe,
} from './contract.js'
import { HOST_KINDS, isFetchHost, NODE_HOST_KINDS, useHost } from './hosts.js'
import type { Scenario, TableSpec } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

const RESOURCE = 'https://mcp.test/mcp'
const A = 'https://mcp.test/a'
const B = 'https://mcp.test/b'

afterAll(stopWorkers)

const table: TableSpec = {
  kind: 'table',
  selects: { prefixes: ['tbl_'] },
  authorizationServers: ['https://as.test'],
  tokens: {
    tbl_good: { principal: { scopes: ['read'] } },
    // Bound to one resource, as a token with an audience is; may be remembered.
    tbl_a: { principal: {}, resource: A, reuse: true },
    tbl_b: { principal: {}, resource: B, reuse: true },
    tbl_any: { principal: {}, reuse: true },
  },
}
const bearer = (token: string) => [['Authorization', `Bearer ${token}`]] as const
const single: Scenario = {
  options: { resource: RESOURCE, publicPaths: ['/health', '/'] },
  validators: [table],
}

describe.each(HOST_KINDS)('one resource on %s', (kind) => {
  const host = useHost(kind, () => single)

  it.each([
    '/other',
    '/MCP',
    '/mcp/',
    '/mcp/x',
    '//mcp',
    '/%6Dcp',
    '/mcp%2F',
    '/mcp%20',
    '/.mcp',
    '/a/b/c?d=e',
    '/admin',
  ])('guards every path, routed or not: %s', async (target) => {
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      assertContract(await probe(host(), { method, target }), 'BARE')
    }
    assertAccepted(await probe(host(), { method: 'GET', target, headers: bearer('tbl_good') }))
  })

  it.each(['PROPFIND', 'PURGE', 'TRACE', 'LINK', 'SEARCH', 'M-SEARCH', 'FOO', 'get', 'GET\tX'])(
    'never runs the handler for the method %j',
    async (method) => {
      const exchange = await probe(host(), { method })
      if (exchange.events.length > 0) assertContract(exchange, 'BARE')
      else assertRefusedOrUnknown(exchange)
    },
  )

  it('opens a public path for every method and query, and nobody is named there', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
      const exchange = await probe(host(), { method, target: '/health?x=1' })
      expect(exchange.response.status).toBe(200)
      expect(exchange.calls).toMatchObject([{ method, caller: null }])
      expect(exchange.events).toEqual([])
    }
  })

  it('names nobody on a public path even when a credential is sent', async () => {
    const exchange = await probe(host(), { target: '/health', headers: bearer('tbl_good') })
    expect(exchange.calls).toMatchObject([{ caller: null }])
    expect(JSON.parse(exchange.response.text).caller).toBeUndefined()
  })

  it.each([
    '/health/',
    '/HEALTH',
    '/Health',
    '/%68ealth',
    '/health%2f',
    '/health;x',
    '/health%3Fx',
    '/healthz',
    '//health',
    '/health/x',
    '/health%00',
    '/health%20',
    '/health.json',
  ])('public paths are exact: %s', async (target) => {
    assertContract(await probe(host(), { method: 'GET', target }), 'BARE')
  })

  it.each([
    '/health/../mcp',
    '/health/%2e%2e/mcp',
    '/health/.%2E/mcp',
    '/./mcp',
    '/health/..;/mcp',
    '/health\\..\\mcp',
    '/health#/../mcp',
    '/health/..%2fmcp',
  ])('a public path opens no way to another one: %s', async (target) => {
    const exchange = await probe(host(), { method: 'GET', target })
    if (isFetchHost(kind) && exchange.events.length === 0 && exchange.calls.length === 0) {
      assertRefusedInFront(exchange)
    } else if (exchange.calls.length > 0) {
      // A URL has no fragment on the server: the handler, too, sees the public path.
      expect(isFetchHost(kind)).toBe(true)
      expect(exchange.calls).toMatchObject([{ target: '/health', caller: null }])
      expect(target).toBe('/health#/../mcp')
    } else assertContract(exchange, 'BARE')
  })

  it.each([
    'http://mcp.test/mcp',
    'http://mcp.test/health',
    'http://evil.test/mcp',
    'HTTP://mcp.test/health',
    'http:/health',
    'http:health',
    'mcp.test:443',
    'health',
    '?/health',
  ])('no form of the request target gets past the guard: %s', async (target) => {
    const exchange = await probe(host(), { method: 'GET', target })
    if (exchange.calls.length === 0) {
      if (exchange.events.length > 0) assertContract(exchange, 'BARE')
      else assertRefusedOrUnknown(exchange)
      return
    }
    // Where the server makes one URL of it, guard and handler see the same public path.
    expect(isFetchHost(kind)).toBe(true)
    expect(exchange.calls[0]?.caller).toBeNull()
    expect(exchange.calls[0]?.target).toMatch(/^\/(?:health)?(?:\?.*)?$/)
  })

  it('a target of another form with a good token is for the same resource', async () => {
    const exchange = await probe(host(), {
      method: 'GET',
      target: 'http://evil.test/mcp',
      headers: bearer('tbl_good'),
    })
    if (exchange.calls.length === 0) assertRefusedOrUnknown(exchange)
    else expect(assertAccepted(exchange).caller.resource).toBe(RESOURCE)
  })

  it('CONNECT never reaches the handler', async () => {
    const exchange = await probe(
      host(),
      'CONNECT mcp.test:443 HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer tbl_good\r\n\r\n',
    ).catch(() => undefined)
    expect(exchange?.calls ?? []).toEqual([])
    expect((await host().take()).calls).toEqual([])
  })

  it('an Upgrade request without a credential never reaches the handler', async () => {
    const headers = [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['Sec-WebSocket-Version', '13'],
    ] as const
    const exchange = await probe(host(), { method: 'GET', headers }).catch(() => undefined)
    expect(exchange?.calls ?? []).toEqual([])
  })

  it.each([
    ['Content-Length and Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
    ['an unknown coding', 'Transfer-Encoding: xchunked'],
    ['a signed length', 'Content-Length: +5'],
  ])('P12 a body of unclear length is never authorized: %s', async (_name, fields) => {
    const exchange = await probe(
      host(),
      `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\n${fields}\r\n\r\n0\r\n\r\nGET /mcp HTTP/1.1\r\nHost: mcp.test\r\n\r\n`,
    )
    expect(exchange.calls).toEqual([])
    expect(exchange.response.status).toBeGreaterThanOrEqual(400)
  })
})

/** A server or a method that is not known: any refusal will do, as long as nothing ran. */
function assertRefusedOrUnknown(exchange: Awaited<ReturnType<typeof probe>>): void {
  expect(exchange.calls).toEqual([])
  expect(exchange.response.status).toBeGreaterThanOrEqual(400)
}

describe.each(HOST_KINDS)('behind a proxy that strips a prefix on %s', (kind) => {
  const resource = 'https://mcp.test/tenant/mcp'
  const metadata = 'https://mcp.test/tenant/.well-known/oauth-protected-resource/mcp'
  const host = useHost(kind, () => ({
    options: { resource, localPath: '/mcp' },
    validators: [table],
  }))

  it('guards the local path and names metadata below the prefix', async () => {
    for (const target of ['/mcp', '/tenant/mcp', '/other']) {
      assertContract(await probe(host(), { target }), 'BARE', { resourceMetadata: metadata })
    }
  })

  it.each([
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource/tenant/mcp',
    '/.well-known/oauth-protected-resource',
  ])('serves the metadata at %s', async (target) => {
    const { response } = await probe(host(), { method: 'GET', target })
    expect(JSON.parse(response.text).resource).toBe(resource)
  })

  it('accepts a token for the public identifier', async () => {
    const exchange = await probe(host(), { headers: bearer('tbl_good') })
    expect(assertAccepted(exchange).caller.resource).toBe(resource)
  })
})

describe.each(HOST_KINDS)('two resources on one host on %s', (kind) => {
  const metadata = (path: string) => `https://mcp.test/.well-known/oauth-protected-resource${path}`
  const host = useHost(kind, () => ({
    options: {
      resources: {
        [A]: { scopes: { required: ['a.use'] } },
        [B]: {},
      },
    },
    validators: [
      {
        ...table,
        tokens: {
          ...table.tokens,
          tbl_a: { principal: { scopes: ['a.use'] }, resource: A, reuse: true },
        },
      },
    ],
  }))

  it('lets each token into its own resource', async () => {
    expect(
      assertAccepted(await probe(host(), { target: '/a', headers: bearer('tbl_a') })).caller
        .resource,
    ).toBe(A)
    expect(
      assertAccepted(await probe(host(), { target: '/b', headers: bearer('tbl_b') })).caller
        .resource,
    ).toBe(B)
  })

  it('rejects a token of the other resource, remembered or not', async () => {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      assertContract(await probe(host(), { target: '/b', headers: bearer('tbl_a') }), 'TOK', {
        reason: 'audience_mismatch',
        resourceMetadata: metadata('/b'),
      })
      assertContract(await probe(host(), { target: '/a', headers: bearer('tbl_b') }), 'TOK', {
        scope: ['a.use'],
        resourceMetadata: metadata('/a'),
      })
    }
  })

  it('applies the scopes of the resource that was asked for', async () => {
    assertAccepted(await probe(host(), { target: '/b', headers: bearer('tbl_any') }))
    assertContract(await probe(host(), { target: '/a', headers: bearer('tbl_any') }), 'SCO', {
      scope: ['a.use'],
      resourceMetadata: metadata('/a'),
    })
  })

  it.each(['/B', '/b/', '//b', '/%62', '/b;x', '/b%2f', '/b/x', '/', '/c', '/a/b', '/b%00'])(
    'a token for A opens no spelling of the path of B: %s',
    async (target) => {
      for (const token of ['tbl_a', 'tbl_b', 'tbl_any', 'none']) {
        const exchange = await probe(host(), { method: 'GET', target, headers: bearer(token) })
        assertContract(exchange, 'GONE', { reason: 'no_such_resource' })
      }
    },
  )

  it.each([
    '/a/../b',
    '/./b',
    '/a/%2e%2e/b',
    '/a\\..\\b',
    '/b#/a',
    '/b?/../a',
    'http://mcp.test/b',
    '/a?/../b',
  ])('judges what a handler would see: %s with a token for A', async (target) => {
    const exchange = await probe(host(), { method: 'GET', target, headers: bearer('tbl_a') })
    if (exchange.calls.length > 0) {
      expect(exchange.calls[0]?.target).toMatch(/^\/a(?:\?|$)/)
      expect(exchange.response.status).toBe(200)
    } else expect([400, 401, 404, 500]).toContain(exchange.response.status)
  })

  it('serves each document at its own place and none at the shared root', async () => {
    for (const [path, resource] of [
      ['/a', A],
      ['/b', B],
    ]) {
      const target = `/.well-known/oauth-protected-resource${path}`
      const { response } = await probe(host(), { method: 'GET', target })
      expect(JSON.parse(response.text).resource).toBe(resource)
    }
    const { response } = await probe(host(), {
      method: 'GET',
      target: '/.well-known/oauth-protected-resource',
    })
    expect(response.status).toBe(404)
  })
})

describe.each(HOST_KINDS)('two hosts with equal paths on %s', (kind) => {
  const one = 'https://one.test/mcp'
  const two = 'https://two.test/mcp'
  const host = useHost(kind, () => ({
    options: { resources: { [one]: {}, [two]: {} } },
    validators: [
      {
        ...table,
        tokens: {
          tbl_one: { principal: {}, resource: one, reuse: true },
          tbl_two: { principal: {}, resource: two, reuse: true },
        },
      },
    ],
  }))
  const metadataOf = (name: string) => `https://${name}/.well-known/oauth-protected-resource/mcp`

  it('selects by the exact host', async () => {
    for (const [name, token, resource] of [
      ['one.test', 'tbl_one', one],
      ['TWO.test', 'tbl_two', two],
    ] as const) {
      const exchange = await probe(host(), { host: name, headers: bearer(token) })
      expect(assertAccepted(exchange).caller.resource).toBe(resource)
    }
    const foreign = await probe(host(), { host: 'two.test', headers: bearer('tbl_one') })
    assertContract(foreign, 'TOK', { resourceMetadata: metadataOf('two.test') })
  })

  it.each(['three.test', 'one.test:444', 'one.test.', 'xone.test', 'one.test.evil.test'])(
    'knows no resource on %s',
    async (name) => {
      const exchange = await probe(host(), { host: name, headers: bearer('tbl_one') })
      assertContract(exchange, 'GONE', { reason: 'no_such_resource' })
    },
  )

  it('is not moved by a forwarded host', async () => {
    const headers = [...bearer('tbl_one'), ['X-Forwarded-Host', 'one.test']] as const
    const exchange = await probe(host(), { host: 'two.test', headers })
    assertContract(exchange, 'TOK', { resourceMetadata: metadataOf('two.test') })
  })

  it('serves the document of the host', async () => {
    for (const target of [
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-protected-resource',
    ]) {
      const { response } = await probe(host(), { method: 'GET', target, host: 'two.test' })
      expect(JSON.parse(response.text).resource).toBe(two)
      expect((await probe(host(), { method: 'GET', target, host: 'x.test' })).response.status).toBe(
        404,
      )
    }
  })
})

describe.each(NODE_HOST_KINDS)('mounted by its parts on %s', (kind) => {
  const host = useHost(kind, () => ({ ...single, mount: 'parts' as const }))

  it.each(['/mcp', '/mcp/', '/MCP', '/mcp/x', '/mcp?x', '/mCp/../mcp'])(
    'guards %s however the router matches it',
    async (target) => {
      assertContract(await probe(host(), { target }), 'BARE')
      assertAccepted(await probe(host(), { target, headers: bearer('tbl_good') }))
    },
  )

  it('leaves other routes alone, and names nobody there', async () => {
    const exchange = await probe(host(), { target: '/open', headers: bearer('tbl_good') })
    expect(exchange.response.status).toBe(200)
    expect(exchange.calls).toMatchObject([{ caller: null }])
  })

  it('answers the metadata documents', async () => {
    const target = '/.well-known/oauth-protected-resource/mcp'
    expect((await probe(host(), { method: 'GET', target })).response.status).toBe(200)
  })
})

describe.each(NODE_HOST_KINDS)('mounted twice on %s', (kind) => {
  const host = useHost(kind, () => ({ ...single, mount: 'twice' as const }))

  it('P28 refuses once and runs the handler once', async () => {
    assertContract(await probe(host(), {}), 'BARE')
    const exchange = await probe(host(), { headers: bearer('tbl_good') })
    expect(exchange.response.status).toBe(200)
    expect(exchange.calls).toHaveLength(1)
  })
})

describe.each(NODE_HOST_KINDS)('mounted in a router on %s', (kind) => {
  const host = useHost(kind, () => ({ ...single, mount: 'router' as const }))

  it('P28 guards every path of the router, public names included', async () => {
    for (const target of ['/tenant/mcp', '/tenant', '/TENANT/x', '/tenant/health', '/tenant/']) {
      assertContract(await probe(host(), { target }), 'BARE')
    }
    assertAccepted(await probe(host(), { target: '/tenant/mcp', headers: bearer('tbl_good') }))
  })
})

describeReasonCodes()
