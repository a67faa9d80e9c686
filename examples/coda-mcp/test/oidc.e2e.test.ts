import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import {
  assertRefusesFaultyTokens,
  createTestIssuer,
  type TestIssuer,
} from '@bestviable/mcp-auth-middleware/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findFreePort } from './support/free-port.js'
import { callTool, challengeOf, post, sampleUpsert } from './support/http-calls.js'
import { openSession, sdkVersions } from './support/mcp.js'
import { signIn } from './support/sign-in.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const { add, run } = createCleanup()
let issuer: TestIssuer
let coda: RunningStandIn

beforeEach(async () => {
  coda = add(await startStandIn({ settleMs: 50 }))
})
afterEach(run)

/** A server that trusts an issuer on another port, with `audience` as that issuer knows it. */
async function start(env: Record<string, string> = {}, audience = 'coda-mcp'): Promise<TestServer> {
  issuer = add(
    createTestIssuer({
      algorithm: 'ES256',
      audience,
      scopes: ['coda.read', 'coda.write'],
    }),
  )
  await issuer.listen()
  return add(
    await startTestServer({
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: audience,
      CODA_API_TOKEN: 'coda-token',
      CODA_API_BASE_URL: coda.baseUrl,
      ...env,
    }),
  )
}

const status = async (server: TestServer, claims: Record<string, unknown>): Promise<number> =>
  (await post(server.resource, 'tools/list', { token: await issuer.token(claims) })).status

describe('OIDC_ISSUER', () => {
  it('sends clients to that issuer, and has its metadata for clients of 2025-03-26', async () => {
    const server = await start()
    const metadataUrl = challengeOf(await post(server.resource, 'initialize')).resource_metadata
    expect(await (await fetch(metadataUrl ?? '')).json()).toMatchObject({
      resource: server.resource,
      authorization_servers: [issuer.issuer],
    })
    const mirror = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
    expect(await mirror.json()).toMatchObject({ issuer: issuer.issuer })
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      auth: { provider: 'oidc', oauth_compliant: true },
    })
  })

  it('refuses every faulty token of that issuer', async () => {
    const server = await start()
    await assertRefusesFaultyTokens(server.resource, issuer)
    expect(coda.received).toEqual([])
  })

  it.each(sdkVersions)('lets a client of SDK %s sign in with nothing but the URL', async (sdk) => {
    const port = await findFreePort()
    // The issuer has to know the resource that clients name, so both get it as the audience.
    const server = await start({ PORT: String(port) }, `http://localhost:${port}/mcp`)
    const { client } = await signIn(server.resource, sdk)
    add(client)
    expect((await client.call('coda_whoami')).isError).toBe(false)
    const { structured } = await client.call('coda_upsert_rows', { ...sampleUpsert, wait: true })
    expect(structured).toMatchObject({ status: 'completed' })
  })

  it('answers 503 while the issuer is down, never 401, and goes on when it is back', async () => {
    const server = await start()
    const token = await issuer.token()
    issuer.respond('jwks', 'error-500')
    const response = await post(server.resource, 'tools/list', { token })
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
    issuer.respond('jwks', 'ok')
    await expect
      .poll(async () => (await post(server.resource, 'tools/list', { token })).status, {
        timeout: 5_000,
        interval: 200,
      })
      .toBe(200)
  })

  it('starts while the issuer cannot be reached at all', async () => {
    const server = await start()
    const token = await issuer.token()
    await issuer.close()
    expect((await post(server.resource, 'tools/list', { token })).status).toBe(503)
    expect((await post(server.resource, 'tools/list')).status).toBe(401)
    const mirror = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
    expect(mirror.status).toBe(503)
  })
})

describe('the lists of who may call', () => {
  it('ALLOWED_EMAILS admits a verified address and no other', async () => {
    const server = await start({ ALLOWED_EMAILS: 'ann@example.com' })
    const ann = { email: 'ann@example.com', email_verified: true }
    expect(await status(server, ann)).toBe(200)
    expect(await status(server, { ...ann, email: 'Ann@Example.com' })).toBe(200)
    expect(await status(server, { ...ann, email_verified: false })).toBe(403)
    expect(await status(server, { ...ann, email_verified: 'false' })).toBe(403)
    expect(await status(server, { ...ann, email_verified: undefined })).toBe(403)
    expect(await status(server, { ...ann, email: 'ann@example.com.evil.example' })).toBe(403)
    expect(await status(server, { ...ann, email: 'bob@example.com' })).toBe(403)
    expect(await status(server, {})).toBe(403)
  })

  it('ALLOWED_DOMAINS admits the domain itself, no part of it and nothing below it', async () => {
    const server = await start({ ALLOWED_DOMAINS: 'example.com' })
    const at = async (domain: string): Promise<number> =>
      await status(server, { email: `ann@${domain}`, email_verified: true })
    expect(await at('example.com')).toBe(200)
    expect(await at('sub.example.com')).toBe(403)
    expect(await at('notexample.com')).toBe(403)
    expect(await at('example.com.evil.example')).toBe(403)
  })

  it('tells a refused person nothing about the list', async () => {
    const server = await start({ ALLOWED_EMAILS: 'ann@example.com' })
    const response = await post(server.resource, 'tools/list', { token: await issuer.token() })
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(await response.text()).not.toContain('ann@')
    expect(server.log.join('')).toContain('not_on_allow_list')
  })
})

describe('GRANTED_SCOPES', () => {
  it('stands in for a provider that cannot issue the scopes', async () => {
    const server = await start({ GRANTED_SCOPES: 'coda.write' })
    const token = await issuer.token({ scope: 'openid profile' })
    expect((await callTool(server.resource, token, 'coda_whoami')).status).toBe(200)
    const write = await callTool(server.resource, token, 'coda_upsert_rows', sampleUpsert)
    expect(write.status).toBe(200)
  })

  it('replaces what the token says, and sends nobody to sign in for more', async () => {
    const server = await start({ GRANTED_SCOPES: 'coda.read' })
    const token = await issuer.token({ scope: 'coda.write' })
    expect((await callTool(server.resource, token, 'coda_whoami')).status).toBe(200)
    const write = await callTool(server.resource, token, 'coda_upsert_rows', sampleUpsert)
    expect([write.status, write.headers.get('www-authenticate')]).toEqual([403, null])
  })

  it('without it a token without these scopes is refused', async () => {
    const server = await start()
    expect(await status(server, { scope: 'openid profile' })).toBe(403)
  })
})

describe('two ways in at once', () => {
  it('lets a fixed token in beside the issuer, and keeps them apart', async () => {
    const { token, digest } = await generateBearerToken()
    const server = await start({ MCP_BEARER_TOKENS: `ci:${digest}:coda.write` })
    const client = openSession(server.resource, 'v1', {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    })
    await client.connect()
    add(client)
    expect((await client.call('coda_whoami')).isError).toBe(false)
    expect(await status(server, {})).toBe(200)
    expect((await post(server.resource, 'tools/list', { token: `${token}x` })).status).toBe(401)
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      auth: { providers: ['oidc', 'local-bearer'], oauth_compliant: true },
    })
  })
})
