import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callTool, post, sampleUpsert } from './support/http-calls.js'
import { openSession, sdkVersions } from './support/mcp.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const { add, run } = createCleanup()
let coda: RunningStandIn
let server: TestServer
const tokens = { old: '', next: '', reader: '' }

beforeAll(async () => {
  const [old, next, reader] = await Promise.all([
    generateBearerToken(),
    generateBearerToken(),
    generateBearerToken(),
  ])
  Object.assign(tokens, { old: old.token, next: next.token, reader: reader.token })
  coda = add(await startStandIn({ settleMs: 50 }))
  server = add(
    await startTestServer({
      MCP_BEARER_TOKENS: [
        `laptop:${old.digest}:coda.read+coda.write`,
        `laptop:${next.digest}:coda.write`,
        `reader:${reader.digest}`,
      ].join(','),
      CODA_API_TOKEN: 'coda-token',
      CODA_API_BASE_URL: coda.baseUrl,
    }),
  )
})
afterAll(run)

describe('fixed tokens only', () => {
  it.each([
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration',
    '/mcp/.well-known/openid-configuration',
  ])('has no metadata at %s and says so in JSON', async (path) => {
    const response = await fetch(`${server.url}${path}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      404,
      expect.stringMatching(/^application\/json/),
    ])
    expect(await response.json()).toMatchObject({ error: 'not_found' })
  })

  it('sends a challenge that leads nowhere else', async () => {
    const response = await post(server.resource, 'tools/list')
    expect(response.status).toBe(401)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toMatch(/^Bearer /)
    expect(challenge).not.toContain('resource_metadata')
  })

  it('says in its state and on its page that clients cannot sign in', async () => {
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      auth: { provider: 'local-bearer', providers: ['local-bearer'], oauth_compliant: false },
    })
    expect(await (await fetch(`${server.url}/`)).text()).toContain('accepts fixed tokens only')
    expect(server.printed).toBe('')
  })

  it.each(['old', 'next'] as const)('accepts the %s token during a rotation', async (name) => {
    const response = await callTool(server.resource, tokens[name], 'coda_upsert_rows', sampleUpsert)
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('queued'),
    ])
  })

  it('gives a token its own scopes, without a challenge that nobody could follow', async () => {
    const read = await callTool(server.resource, tokens.reader, 'coda_whoami')
    expect(read.status).toBe(200)
    const write = await callTool(server.resource, tokens.reader, 'coda_upsert_rows', sampleUpsert)
    expect([write.status, write.headers.get('www-authenticate')]).toEqual([403, null])
  })

  it.each([
    ['another token', (token: string) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`],
    ['a shorter one', (token: string) => token.slice(0, -1)],
    ['a longer one', (token: string) => `${token}A`],
    ['one in capitals', (token: string) => token.toUpperCase()],
    ['the prefix alone', () => 'mcp_'],
  ])('refuses %s', async (_, change) => {
    const before = coda.received.length
    const response = await callTool(server.resource, change(tokens.old), 'coda_whoami')
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: 'invalid_token' })
    expect(coda.received).toHaveLength(before)
  })

  it('refuses the token in the query', async () => {
    const response = await post(`${server.resource}?access_token=${tokens.old}`, 'tools/list')
    expect(response.status).not.toBe(200)
    expect(server.log.join('')).not.toContain(tokens.old)
  })

  it.each(sdkVersions)('serves a client of SDK %s that sends the header', async (version) => {
    const headers = { authorization: `Bearer ${tokens.next}` }
    const client = openSession(server.resource, version, { requestInit: { headers } })
    await client.connect()
    try {
      expect((await client.tools()).length).toBeGreaterThan(10)
      expect((await client.call('coda_whoami')).isError).toBe(false)
    } finally {
      await client.close()
    }
  })
})
