import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import { scopeOf } from '../src/tools/scopes.js'
import { callTool, challengeOf, post, sampleUpsert } from './support/http-calls.js'
import { openSession, sdkVersions } from './support/mcp.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const audience = 'coda-mcp'
const { add, run } = createCleanup()
let issuer: TestIssuer
let coda: RunningStandIn
let server: TestServer
let readOnly: TestServer

beforeAll(async () => {
  issuer = add(createTestIssuer({ algorithm: 'ES256', audience }))
  await issuer.listen()
  coda = add(await startStandIn({ settleMs: 50 }))
  const env = {
    OIDC_ISSUER: issuer.issuer,
    OIDC_AUDIENCE: audience,
    CODA_API_TOKEN: 'coda-token',
    CODA_API_BASE_URL: coda.baseUrl,
  }
  server = add(await startTestServer(env))
  readOnly = add(await startTestServer({ ...env, READ_ONLY: 'true' }))
})
afterAll(run)

const reading = async (): Promise<string> => await issuer.token({ scope: 'coda.read' })
const writing = async (): Promise<string> => await issuer.token({ scope: 'coda.write' })

async function toolNames(resource: string, token: string): Promise<string[]> {
  const { result } = await (await post(resource, 'tools/list', { token })).json()
  return result.tools.map(({ name }: { name: string }) => name).sort()
}

describe('a token with coda.read', () => {
  it('lists every tool, so that the client can learn what to ask for, and reads', async () => {
    const token = await reading()
    expect(await toolNames(server.resource, token)).toEqual(
      codaTools.map(({ name }) => name).sort(),
    )
    const read = await callTool(server.resource, token, 'coda_list_rows', {
      docId: 'SampleDoc1',
      tableIdOrName: 'Tasks',
    })
    expect([read.status, await read.text()]).toEqual([
      200,
      expect.stringContaining('Book the venue'),
    ])
  })

  it.each(codaTools.filter(({ annotations }) => !annotations.readOnlyHint).map(({ name }) => name))(
    'gets one challenge with every scope for %s, before Coda hears of it',
    async (name) => {
      const before = coda.received.length
      const response = await callTool(server.resource, await reading(), name, sampleUpsert)
      expect(response.status).toBe(403)
      const challenge = challengeOf(response)
      expect(challenge.error).toBe('insufficient_scope')
      const tool = codaTools.find((candidate) => candidate.name === name)
      const needed = ['coda.read', tool && scopeOf(tool)]
      expect(challenge.scope?.split(' ').sort()).toEqual(needed.sort())
      expect(challenge.resource_metadata).toBe(
        `${server.url}/.well-known/oauth-protected-resource/mcp`,
      )
      expect(await response.json()).toMatchObject({ error: 'insufficient_scope' })
      expect(coda.received).toHaveLength(before)
    },
  )

  it('cannot hide a writing call in a batch', async () => {
    const before = coda.received.length
    const call = (id: number, name: string, input: object) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: input },
    })
    const response = await fetch(server.resource, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await reading()}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify([call(1, 'coda_whoami', {}), call(2, 'coda_upsert_rows', sampleUpsert)]),
    })
    expect(response.status).toBe(403)
    expect(coda.received).toHaveLength(before)
  })

  it('needs coda.write for a tool that does not exist', async () => {
    const response = await callTool(server.resource, await reading(), 'coda_drop_everything')
    expect(response.status).toBe(403)
  })
})

describe('a token with coda.write', () => {
  it.each(sdkVersions)('reads and writes with a client of SDK %s', async (version) => {
    const headers = { authorization: `Bearer ${await writing()}` }
    const client = openSession(server.resource, version, { requestInit: { headers } })
    await client.connect()
    try {
      expect((await client.call('coda_whoami')).isError).toBe(false)
      const upsert = await client.call('coda_upsert_rows', { ...sampleUpsert, wait: true })
      expect(upsert.structured).toMatchObject({ status: 'completed' })
    } finally {
      await client.close()
    }
  })
})

describe('coda.share', () => {
  const share = {
    docId: 'SampleDoc2',
    access: 'readonly',
    principal: { type: 'email', email: 'ada@example.com' },
    suppressEmail: true,
  }

  it('is needed by a token that may read and write, and the first challenge does not name it', async () => {
    const before = coda.received.length
    const token = await issuer.token({ scope: 'coda.read coda.write' })
    const refused = await callTool(server.resource, token, 'coda_add_permission', share)
    expect(refused.status).toBe(403)
    const asked = challengeOf(refused).scope?.split(' ').sort()
    expect(asked).toEqual(expect.arrayContaining(['coda.read', 'coda.share']))
    expect(coda.received).toHaveLength(before)
    const first = challengeOf(await post(server.resource, 'tools/list'))
    expect(first.scope?.split(' ').sort()).toEqual(['coda.read', 'coda.write'])
  })

  it('shares and reads, and does not write', async () => {
    const token = await issuer.token({ scope: 'coda.share' })
    const shared = await callTool(server.resource, token, 'coda_add_permission', share)
    expect(await shared.json()).toMatchObject({
      result: { structuredContent: { status: 'completed' } },
    })
    const listed = await callTool(server.resource, token, 'coda_list_permissions', share)
    expect(await listed.text()).toContain('ada@example.com')
    const written = await callTool(server.resource, token, 'coda_upsert_rows', sampleUpsert)
    expect(written.status).toBe(403)
  })
})

describe('a token with neither', () => {
  it.each([undefined, '', 'openid', 'coda.rea', 'coda.read2', 'CODA.READ'])(
    'is told what to ask for: %j',
    async (scope) => {
      const token = await issuer.token({ scope })
      const response = await post(server.resource, 'tools/list', { token })
      expect(response.status).toBe(403)
      expect(challengeOf(response).scope).toBe('coda.read')
    },
  )
})

describe('READ_ONLY', () => {
  const readingTools = codaTools
    .filter(({ annotations }) => annotations.readOnlyHint)
    .map(({ name }) => name)
    .sort()

  it('leaves writing tools out, whatever the token may do', async () => {
    expect(await toolNames(readOnly.resource, await writing())).toEqual(readingTools)
    const before = coda.received.length
    const response = await callTool(
      readOnly.resource,
      await writing(),
      'coda_upsert_rows',
      sampleUpsert,
    )
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('coda_upsert_rows') },
    })
    expect(coda.received).toHaveLength(before)
  })

  it('asks clients for coda.read only', async () => {
    const url = `${readOnly.url}/.well-known/oauth-protected-resource/mcp`
    expect(await (await fetch(url)).json()).toMatchObject({ scopes_supported: ['coda.read'] })
  })
})
