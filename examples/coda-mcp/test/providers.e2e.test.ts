import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callTool, challengeOf, post } from './support/http-calls.js'
import { replaceOutside } from './support/outside.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const team = 'https://acme.cloudflareaccess.com'
const aud = 'a'.repeat(64)
const projectId = 'project-live-00000000-0000-4000-8000-000000000000'
const access = { CF_ACCESS_TEAM_DOMAIN: 'acme', CF_ACCESS_AUD: aud }
const stytch = { STYTCH_PROJECT_ID: projectId, STYTCH_DOMAIN: 'login.example.com' }

const { add, run } = createCleanup()
/** Holds the keys that both providers publish here. */
let provider: TestIssuer
let coda: RunningStandIn
let outside: { restore(): void } | undefined

beforeAll(async () => {
  provider = createTestIssuer({ audience: aud })
  await provider.listen()
})
afterAll(() => provider.close())
beforeEach(async () => {
  coda = add(await startStandIn({ settleMs: 50 }))
})
afterEach(async () => {
  outside?.restore()
  await run()
})

async function start(
  env: Record<string, string>,
  keys: 'published' | 'unreachable' = 'published',
): Promise<TestServer> {
  const published = async (): Promise<string> =>
    JSON.stringify({ keys: await provider.keys.published() })
  outside = replaceOutside(
    keys === 'unreachable'
      ? {}
      : {
          [`${team}/cdn-cgi/access/certs`]: published,
          'https://login.example.com/.well-known/jwks.json': published,
        },
  )
  const secrets = { CODA_API_TOKEN: 'coda-token', CODA_API_BASE_URL: coda.baseUrl }
  return add(await startTestServer({ ...secrets, ...env }))
}

async function assertion(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const all = { iss: team, aud: [aud], type: 'app', sub: 'ann-id', email: 'ann@example.com' }
  const rest = { client_id: undefined, scope: undefined }
  const header = { typ: 'JWT' }
  return {
    'cf-access-jwt-assertion': await provider.token({ ...all, ...rest, ...claims }, { header }),
  }
}

async function stytchToken(claims: Record<string, unknown> = {}): Promise<string> {
  const all = { iss: 'https://login.example.com', aud: [projectId], sub: 'member-live-1' }
  const rest = { client_id: 'connected-app-live-1', scope: 'coda.read' }
  return await provider.token({ ...all, ...rest, ...claims }, { header: { typ: 'JWT' } })
}

async function status(server: TestServer, headers: Record<string, string>): Promise<number> {
  return (await post(server.resource, 'tools/list', { headers })).status
}

describe('Cloudflare Access', () => {
  it('lets in whom Access let in, with every scope', async () => {
    const server = await start(access)
    const headers = await assertion()
    const response = await post(server.resource, 'tools/call', {
      headers,
      params: { name: 'coda_whoami', arguments: {} },
    })
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('structuredContent'),
    ])
  })

  it('lets in who signed in by its OAuth, whose tokens only Access can read', async () => {
    const server = await start(access)
    const headers = { ...(await assertion()), authorization: 'Bearer oauth:opaque-of-access' }
    expect(await status(server, headers)).toBe(200)
    const page = await (await fetch(`${server.url}/`)).text()
    expect(page).toContain('Add custom connector')
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      auth: { provider: 'cloudflare-access', oauth_compliant: true },
    })
  })

  it.each([
    ['of another application', { aud: ['b'.repeat(64)] }],
    ['of another team', { iss: 'https://evil.cloudflareaccess.com' }],
    ['of the whole team', { type: 'org' }],
    ['that has expired', { exp: 1_700_000_000 }],
    ['of a service token that is not listed', { sub: '', common_name: 'ci.access' }],
  ])('refuses an assertion %s', async (_, claims) => {
    const server = await start(access)
    expect(await status(server, await assertion(claims))).toBe(401)
  })

  it('refuses an assertion that somebody else signed', async () => {
    const server = await start(access)
    const stranger = createTestIssuer({ issuer: provider.issuer, audience: aud })
    const forged = await stranger.token(
      { iss: team, aud: [aud], type: 'app' },
      { header: { typ: 'JWT' } },
    )
    expect(await status(server, { 'cf-access-jwt-assertion': forged })).toBe(401)
  })

  it('believes none of the headers that say who it is', async () => {
    const server = await start(access)
    const forged = {
      'cf-access-authenticated-user-email': 'ann@example.com',
      'cf-access-client-id': 'ci.access',
      cookie: `CF_Authorization=${(await assertion())['cf-access-jwt-assertion']}`,
    }
    expect(await status(server, forged)).toBe(401)
    expect(coda.received).toEqual([])
  })

  it('lets in listed service tokens', async () => {
    const server = await start({ ...access, CF_ACCESS_SERVICE_TOKENS: 'ci.access' })
    expect(await status(server, await assertion({ sub: '', common_name: 'ci.access' }))).toBe(200)
    expect(await status(server, await assertion({ sub: '', common_name: 'cd.access' }))).toBe(403)
  })

  it('holds the lists of who may call against the address in the assertion', async () => {
    const server = await start({ ...access, ALLOWED_EMAILS: 'ann@example.com' })
    expect(await status(server, await assertion())).toBe(200)
    expect(await status(server, await assertion({ email: 'bob@example.com' }))).toBe(403)
  })

  it('grants what GRANTED_SCOPES says in place of everything', async () => {
    const server = await start({ ...access, GRANTED_SCOPES: 'coda.read' })
    const headers = await assertion()
    const params = { name: 'coda_delete_row', arguments: {} }
    expect((await post(server.resource, 'tools/call', { headers, params })).status).toBe(403)
    expect(await status(server, headers)).toBe(200)
  })

  it('answers 503 to an assertion it cannot verify, and 401 without one', async () => {
    const server = await start(access, 'unreachable')
    expect(await status(server, await assertion())).toBe(503)
    expect(await status(server, {})).toBe(401)
  })
})

describe('Stytch', () => {
  it('lets in callers with a token of a Connected App, and sends others to the project', async () => {
    const server = await start(stytch)
    const read = await callTool(server.resource, await stytchToken(), 'coda_whoami')
    expect(read.status).toBe(200)
    const metadataUrl = challengeOf(await post(server.resource, 'initialize')).resource_metadata
    expect(await (await fetch(metadataUrl ?? '')).json()).toMatchObject({
      authorization_servers: ['https://login.example.com'],
    })
  })

  it.each([
    ['of another project', { aud: ['project-live-1'] }],
    ['of a session', { 'https://stytch.com/session': { id: 'session-live-1' } }],
    ['of a machine', { sub: 'm2m-client-live-1', client_id: undefined }],
    ['of another issuer', { iss: 'https://evil.example.com' }],
  ])('refuses a token %s', async (_, claims) => {
    const server = await start(stytch)
    const response = await post(server.resource, 'tools/list', { token: await stytchToken(claims) })
    expect(response.status).toBe(401)
  })

  it('admits by organisation, and says at start that addresses admit nobody', async () => {
    const organization = { 'https://stytch.com/organization': { organization_id: 'org-1' } }
    const other = { 'https://stytch.com/organization': { organization_id: 'org-2' } }
    const server = await start({ ...stytch, ALLOWED_TENANTS: 'org-1' })
    const call = async (claims: Record<string, unknown>): Promise<number> =>
      (await post(server.resource, 'tools/list', { token: await stytchToken(claims) })).status
    expect(await call(organization)).toBe(200)
    expect(await call(other)).toBe(403)
    expect(await call({})).toBe(403)
    expect(server.log.join('')).not.toContain('nobody can come in by Stytch')

    outside?.restore()
    const closed = await start({ ...stytch, ALLOWED_DOMAINS: 'example.com' })
    const token = await stytchToken({ email: 'ann@example.com' })
    expect((await post(closed.resource, 'tools/list', { token })).status).toBe(403)
    expect(closed.log.join('')).toContain('nobody can come in by Stytch')
  })

  it('answers 503 to a token it cannot verify, and 401 without one', async () => {
    const server = await start(stytch, 'unreachable')
    const token = await stytchToken()
    expect((await post(server.resource, 'tools/list', { token })).status).toBe(503)
    expect(await status(server, {})).toBe(401)
  })
})

describe('every way in at once', () => {
  it('judges each credential by its own rules', async () => {
    const { token, digest } = await generateBearerToken()
    const server = await start({
      ...access,
      ...stytch,
      OIDC_ISSUER: provider.issuer,
      OIDC_AUDIENCE: aud,
      MCP_BEARER_TOKENS: `ci:${digest}`,
    })
    const bearer = async (value: string): Promise<number> =>
      await status(server, { authorization: `Bearer ${value}` })
    expect(await status(server, await assertion())).toBe(200)
    expect(await bearer(await stytchToken())).toBe(200)
    expect(await bearer(await provider.token({ scope: 'coda.read' }))).toBe(200)
    expect(await bearer(token)).toBe(200)
    const [crossed] = Object.values(await assertion())
    expect(await bearer(crossed ?? '')).toBe(401)
    const wrongHeader = { 'cf-access-jwt-assertion': await stytchToken() }
    expect(await status(server, wrongHeader)).toBe(401)
    const url = `${server.url}/.well-known/oauth-protected-resource/mcp`
    expect(await (await fetch(url)).json()).toMatchObject({
      authorization_servers: ['https://login.example.com', provider.issuer],
    })
  })
})
