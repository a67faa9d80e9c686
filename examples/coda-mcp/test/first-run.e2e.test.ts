import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { callTool, challengeOf, post, sampleUpsert } from './support/http-calls.js'
import { sdkVersions } from './support/mcp.js'
import { signIn } from './support/sign-in.js'
import { startStandIn } from './support/stand-in.js'
import { startTestServer, type TestServer } from './support/test-server.js'

const execute = promisify(execFile)

// By night nothing is there before, as for whoever starts it for the first time; by day an empty database is,
// which takes seconds to make. The quick start of `.ci/run` begins with nothing each time.
const dataDir = mkdtempSync(join(tmpdir(), 'first-run-'))
let server: TestServer
beforeAll(async () => {
  server = await startTestServer(isLongForm ? { DATA_DIR: dataDir } : {})
}, 120_000)
afterAll(async () => {
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const json = async (path: string): Promise<unknown> =>
  await (await fetch(`${server.url}${path}`)).json()

function printedToken(): string {
  const token = /Bearer (mcp_[\w-]+)/.exec(server.printed)?.[1]
  if (token === undefined) throw new Error('no token was printed')
  return token
}

describe('first run: metadata', () => {
  it('leads from the challenge to an authorization server that every client can use', async () => {
    const response = await post(server.resource, 'initialize')
    expect(response.status).toBe(401)
    const challenge = challengeOf(response)
    const metadataUrl = `${server.url}/.well-known/oauth-protected-resource/mcp`
    expect(challenge).toEqual({
      realm: 'MCP Server',
      scope: 'coda.read coda.write',
      resource_metadata: metadataUrl,
      resource_metadata_uri: metadataUrl,
    })
    const metadata = await json('/.well-known/oauth-protected-resource/mcp')
    expect(metadata).toEqual({
      resource: `${server.url}/mcp`,
      authorization_servers: [server.url],
      scopes_supported: ['coda.read', 'coda.write'],
      bearer_methods_supported: ['header'],
      resource_name: 'Coda',
    })
    expect(await json('/.well-known/oauth-protected-resource')).toEqual(metadata)
  })

  it('is under the name localhost', () => {
    expect(server.resource).toMatch(/^http:\/\/localhost:\d+\/mcp$/)
    expect(server.printed).toContain(`serves ${server.resource}\n`)
  })

  it.each(['oauth-authorization-server', 'openid-configuration'])(
    'has %s with PKCE by S256 and registration',
    async (document) => {
      expect(await json(`/.well-known/${document}`)).toMatchObject({
        issuer: server.url,
        authorization_endpoint: expect.stringMatching(`^${server.url}/`),
        token_endpoint: expect.stringMatching(`^${server.url}/`),
        registration_endpoint: expect.stringMatching(`^${server.url}/`),
        jwks_uri: expect.stringMatching(`^${server.url}/`),
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: expect.arrayContaining(['none']),
        response_types_supported: ['code'],
      })
    },
  )
})

describe('first run: what it prints', () => {
  it('prints a token that calls a tool', async () => {
    const response = await callTool(server.resource, printedToken(), 'coda_whoami')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      result: { structuredContent: { name: expect.any(String) } },
    })
  })

  it('prints a command that works as it stands', async () => {
    const command = /^curl (?:.+\n)+/m.exec(server.printed)?.[0] ?? ''
    const { stdout } = await execute('sh', ['-c', command.replace('curl ', 'curl --silent ')])
    const { result } = JSON.parse(stdout)
    expect(result.tools.map(({ name }: { name: string }) => name)).toContain('coda_whoami')
  })

  it('writes the token to the terminal and never to the log', async () => {
    await callTool(server.resource, printedToken(), 'coda_whoami')
    expect(server.log.join('')).toContain('"status":200')
    expect(server.log.join('')).not.toContain(printedToken())
  })
})

describe('first run: pages beside the endpoint', () => {
  it('shows its state', async () => {
    expect(await json('/health')).toEqual({
      status: 'ok',
      service: 'coda-mcp',
      version: '1.2.3',
      auth: {
        provider: 'authorization-server',
        providers: ['authorization-server', 'local-bearer'],
        oauth_compliant: true,
      },
      store: { type: 'env', status: 'ok' },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
    expect(await json('/health/ready')).toEqual({ status: 'ready' })
    const head = await fetch(`${server.url}/health`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('explains at / how to add it, and names the right URL to a client that posts there', async () => {
    const page = await fetch(`${server.url}/`)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    expect(await page.text()).toContain(`<code>${server.resource}</code>`)
    const response = await post(`${server.url}/`, 'initialize')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: 'not_found',
      error_description: `The MCP endpoint is ${server.resource}`,
    })
  })

  it.each(['/health/', '/mcp/', '/admin', '/.env'])(
    'leaves nothing else open: %s',
    async (path) => {
      const before = server.log.length
      const response = await post(`${server.url}${path}`, 'tools/list')
      // Express reads "/health/" as "/health", which is open to GET only.
      expect([401, 404]).toContain(response.status)
      expect(await response.text()).not.toContain('coda_')
      expect(server.log.slice(before).join('')).not.toContain('tool called')
    },
  )
})

describe('tools/list by a program that sends only Authorization and Content-Type', () => {
  it('answers, or says in words what is missing', async () => {
    const response = await fetch(server.resource, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${printedToken()}`,
        'content-type': 'application/json',
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    })
    const text = await response.text()
    expect([response.status, text]).toEqual([
      406,
      expect.stringMatching(/accept.*application\/json.*text\/event-stream/i),
    ])
  })
})

describe.each(sdkVersions)('first run: a client of SDK %s that has only the URL', (version) => {
  it('signs in once, reads docs, pages, tables and rows, and writes one', async () => {
    const { client, memory } = await signIn(server.resource, version)
    try {
      expect(memory.currentTokens()?.scope).toBe('coda.read coda.write')
      const { structured: me } = await client.call('coda_whoami')
      expect(me).toHaveProperty('name')
      const docs = await client.call('coda_list_documents')
      expect(docs.text).toContain('Team offsite')
      const doc = { docId: 'SampleDoc1' }
      expect((await client.call('coda_list_pages', doc)).text).toContain('Plan')
      expect((await client.call('coda_list_tables', doc)).text).toContain('Tasks')
      const table = { ...doc, tableIdOrName: 'Tasks' }
      expect((await client.call('coda_list_rows', table)).text).toContain('Book the venue')

      const value = `Written by ${version}`
      const rows = [{ cells: [{ column: 'Task', value }] }]
      const upsert = { ...sampleUpsert, rows, wait: true }
      const written = await client.call('coda_upsert_rows', upsert)
      expect(written.structured).toMatchObject({ status: 'completed' })
      expect((await client.call('coda_list_rows', table)).text).toContain(value)
    } finally {
      await client.close()
    }
  })
})

describe('first run with CODA_CREDENTIALS=user and TOKEN_STORE=postgres', () => {
  it('collects Coda tokens at sign-in, in the one embedded database', async () => {
    const coda = await startStandIn()
    const own = await startTestServer({
      CODA_CREDENTIALS: 'user',
      TOKEN_STORE: 'postgres',
      CODA_API_BASE_URL: coda.baseUrl,
    })
    try {
      const person = { codaToken: 'canary-pasted' }
      for (const version of ['v1', 'v2, 2026-07-28 protocol'] as const) {
        const { client } = await signIn(own.resource, version, person)
        expect((await client.call('coda_whoami')).isError).toBe(false)
        await client.close()
      }
      expect(await (await fetch(`${own.url}/health`)).json()).toMatchObject({
        status: 'ok',
        store: { type: 'postgres', status: 'ok' },
      })
      expect(own.log.join('') + own.printed).not.toContain('canary')
    } finally {
      await own.close()
      await coda.close()
    }
  }, 90_000)
})
