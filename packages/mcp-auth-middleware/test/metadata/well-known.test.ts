import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'
import type { RequestView } from '../../src/resource-server/request-view.js'
import { validatorOf } from '../resource-server/fakes.js'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

function authWith(options: Partial<McpAuthOptions>) {
  const fetched: string[] = []
  const auth = createMcpAuth({
    validators: [validatorOf()],
    fetch: async (input) => {
      fetched.push(String(input))
      return Response.json({ issuer: 'https://as.test' })
    },
    ...options,
  })
  const ask = async (target: string, request: Partial<RequestView> = {}) => {
    const headers = { host: 'mcp.test', ...request.headers }
    return auth.metadata({ method: 'GET', target, ...request, headers })
  }
  const resourceAt = async (target: string, host = 'mcp.test') => {
    const answer = await ask(target, { headers: { host } })
    return answer?.status === 200 ? JSON.parse(answer.body).resource : answer?.status
  }
  return { auth, ask, resourceAt, fetched }
}

describe('a single resource with a path', () => {
  const { ask, resourceAt, fetched } = authWith({
    resource: 'https://mcp.test/mcp',
    resourceName: 'Coda für alle',
    scopesSupported: ['read'],
    resourceDocumentation: 'https://docs.test/',
  })

  it('serves the whole document at its own place', async () => {
    const answer = await ask(`${WELL_KNOWN}/mcp`)
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      resource: 'https://mcp.test/mcp',
      authorization_servers: ['https://as.test'],
      scopes_supported: ['read'],
      bearer_methods_supported: ['header'],
      resource_name: 'Coda für alle',
      resource_documentation: 'https://docs.test/',
    })
    expect(answer?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(answer?.body ?? '')),
      'access-control-allow-origin': '*',
    })
  })

  it.each([
    ['the place of RFC 9728', `${WELL_KNOWN}/mcp`],
    ['the root', WELL_KNOWN],
    ['a query', `${WELL_KNOWN}/mcp?x=1`],
  ])('serves the document at %s', async (_, target) => {
    expect(await resourceAt(target)).toBe('https://mcp.test/mcp')
  })

  it.each([
    `${WELL_KNOWN}/mcp/`,
    `${WELL_KNOWN}/MCP`,
    `${WELL_KNOWN}/other`,
    `/mcp${WELL_KNOWN}`,
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration/mcp',
    '/.well-known/oauth-authorization-server/mcp',
    '/mcp/.well-known/openid-configuration',
  ])('answers %s with a JSON 404 that any page may read', async (target) => {
    expect(await ask(target)).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' },
    })
  })

  it.each(['/mcp', '/.well-known/jwks.json', '/.well-known/oauth-protected-resourcex', '/'])(
    'leaves %s alone',
    async (target) => {
      expect(await ask(target)).toBeUndefined()
    },
  )

  it('allows preflights and refuses writing', async () => {
    expect(await ask(WELL_KNOWN, { method: 'OPTIONS' })).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-methods': 'GET, HEAD, OPTIONS' },
    })
    expect(await ask(WELL_KNOWN, { method: 'POST' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, OPTIONS' },
    })
  })

  it('fetches the mirrored document only when it is asked for', async () => {
    expect(fetched).toEqual([])
    const answer = await ask('/.well-known/oauth-authorization-server')
    expect(answer).toMatchObject({ status: 200, body: '{"issuer":"https://as.test"}' })
    expect(fetched).toEqual(['https://as.test/.well-known/oauth-authorization-server'])
  })
})

describe('other layouts', () => {
  it('serves the root document of a resource without a path', async () => {
    const { resourceAt } = authWith({ resource: 'https://mcp.test' })
    expect(await resourceAt(WELL_KNOWN)).toBe('https://mcp.test')
    expect(await resourceAt(`${WELL_KNOWN}/mcp`)).toBe(404)
  })

  it('serves a resource behind a stripped prefix at both places and at the root', async () => {
    const { resourceAt } = authWith({ resource: 'https://mcp.test/coda/mcp', localPath: '/mcp' })
    for (const target of [`${WELL_KNOWN}/mcp`, `${WELL_KNOWN}/coda/mcp`, WELL_KNOWN]) {
      expect(await resourceAt(target)).toBe('https://mcp.test/coda/mcp')
    }
  })

  it('answers 503 with Retry-After when the mirrored issuer cannot be read', async () => {
    const { ask } = authWith({
      resource: 'https://mcp.test/mcp',
      fetch: () => Promise.reject(new TypeError('refused')),
    })
    expect(await ask('/.well-known/oauth-authorization-server')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5', 'access-control-allow-origin': '*' },
    })
  })

  it('has no mirror when it is switched off', async () => {
    const { ask, fetched } = authWith({
      resource: 'https://mcp.test/mcp',
      mirrorAuthorizationServer: false,
    })
    expect(await ask('/.well-known/oauth-authorization-server')).toMatchObject({ status: 404 })
    expect(fetched).toEqual([])
  })

  it('has no documents at all without an authorization server', async () => {
    const { auth, ask } = authWith({
      resource: 'https://mcp.test/mcp',
      validators: [validatorOf(undefined, { authorizationServers: [] })],
    })
    expect(await ask(`${WELL_KNOWN}/mcp`)).toMatchObject({ status: 404 })
    expect(auth.resources[0]?.metadataUrl).toBeUndefined()
  })

  it('tells several resources apart by path, and serves the root only where it was chosen', async () => {
    const resources = { 'https://mcp.test/a': {}, 'https://mcp.test/b': {} }
    const none = authWith({ resources })
    expect(await none.resourceAt(`${WELL_KNOWN}/a`)).toBe('https://mcp.test/a')
    expect(await none.resourceAt(`${WELL_KNOWN}/b`)).toBe('https://mcp.test/b')
    expect(await none.resourceAt(WELL_KNOWN)).toBe(404)
    const chosen = authWith({ resources, rootMetadata: 'https://mcp.test/b' })
    expect(await chosen.resourceAt(WELL_KNOWN)).toBe('https://mcp.test/b')
  })

  it('tells equal paths apart by an exact Host', async () => {
    const { resourceAt } = authWith({
      resources: { 'https://a.test/mcp': {}, 'https://b.test/mcp': {} },
    })
    expect(await resourceAt(`${WELL_KNOWN}/mcp`, 'a.test')).toBe('https://a.test/mcp')
    expect(await resourceAt(`${WELL_KNOWN}/mcp`, 'B.TEST')).toBe('https://b.test/mcp')
    expect(await resourceAt(WELL_KNOWN, 'b.test')).toBe('https://b.test/mcp')
    expect(await resourceAt(`${WELL_KNOWN}/mcp`, 'evil.test')).toBe(404)
    expect(await resourceAt(WELL_KNOWN, 'evil.test')).toBe(404)
  })
})
