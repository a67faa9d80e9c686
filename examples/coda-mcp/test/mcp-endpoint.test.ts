import express, { type Request, type Response } from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createCodaClient } from '../src/coda/coda-client.js'
import { createMcpEndpoint, type McpEndpoint } from '../src/mcp-endpoint.js'
import { createCodaMcpServer } from '../src/mcp-server.js'
import { codaTools } from '../src/tools/index.js'
import { type Listening, listen } from './support/listen.js'
import { openSession, type RunningApp, sdkVersions, startApp } from './support/mcp.js'

let app: RunningApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(async () => {
  await app.close()
})

const post = (body: unknown, headers?: Record<string, string>) => postTo(app.origin, body, headers)

async function postTo(
  origin: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<globalThis.Response> {
  return await fetch(`${origin}/mcp`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer x',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const listTools = { jsonrpc: '2.0', id: 2, method: 'tools/list' }

describe('/mcp', () => {
  it.each(['2025-03-26', '2025-06-18', '2025-11-25'])(
    'serves clients of revision %s with JSON answers and without a session',
    async (protocolVersion) => {
      const params = {
        protocolVersion,
        capabilities: {},
        clientInfo: { name: 'test', version: '1' },
      }
      const initialized = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
      expect(initialized.headers.get('content-type')).toContain('application/json')
      expect(initialized.headers.get('mcp-session-id')).toBeNull()
      expect(await initialized.json()).toMatchObject({
        result: { protocolVersion, serverInfo: { name: 'coda-mcp', version: '1.2.3' } },
      })
      const notified = { jsonrpc: '2.0', method: 'notifications/initialized' }
      expect((await post(notified, { 'mcp-protocol-version': protocolVersion })).status).toBe(202)

      const listed = await post(listTools, { 'mcp-protocol-version': protocolVersion })
      expect(listed.headers.get('content-type')).toContain('application/json')
      const { result } = Object(await listed.json())
      expect(result.tools).toHaveLength(codaTools.length)
    },
  )

  it('serves a request without a version header, as clients of 2025-03-26 send it', async () => {
    expect(await (await post(listTools)).json()).toMatchObject({ id: 2, result: {} })
  })

  it.each([
    ['a version that does not exist', listTools, { 'mcp-protocol-version': '1999-01-01' }, 400],
    ['something that is not JSON', '{', {}, 400],
    ['another content type', listTools, { 'content-type': 'text/plain' }, 415],
    ['more than 4 MiB', ' '.repeat(4 * 1_024 * 1_024 + 1), {}, 413],
  ])('refuses %s', async (_what, body, headers, status) => {
    expect((await post(body, { ...headers })).status).toBe(status)
  })
})

describe('the server of one request', () => {
  const made: (string | undefined)[] = []
  let endpoint: McpEndpoint
  let listening: Listening

  beforeAll(async () => {
    const coda = createCodaClient({ baseUrl: 'http://127.0.0.1:9/apis/v1', deadlineMs: 1 })
    endpoint = createMcpEndpoint(
      (tool) => {
        made.push(tool)
        return createCodaMcpServer({ coda, credentialFor: () => 'token', version: '1', tool })
      },
      () => undefined,
    )
    const app = express()
    app.all('/mcp', (request: Request, response: Response) => endpoint.handle(request, response))
    listening = await listen(app)
  })
  beforeEach(() => {
    made.length = 0
  })
  afterAll(async () => {
    await endpoint.close()
    await listening.close()
  })

  it.each(sdkVersions)('has only the tool that is called, for clients on %s', async (version) => {
    const client = openSession(`${listening.origin}/mcp`, version, {})
    await client.connect()
    expect(made).not.toContain('coda_whoami')
    made.length = 0
    expect((await client.call('coda_whoami')).isError).toBe(true)
    expect(made).toEqual(['coda_whoami'])
    await client.close()
  })

  it('has it for a call that is told how far it is, too', async () => {
    const params = { name: 'coda_whoami', arguments: {}, _meta: { progressToken: 1 } }
    const response = await postTo(listening.origin, { ...listTools, method: 'tools/call', params })
    expect(await response.text()).toContain('isError')
    expect(made).toEqual(['coda_whoami'])
  })

  it('has every tool for a list, a name that none has, and several messages', async () => {
    const call = { jsonrpc: '2.0', id: 3, method: 'tools/call' }
    const unknown = { ...call, params: { name: 'coda_nothing' } }
    const listed = await (await postTo(listening.origin, listTools)).json()
    expect(Object(listed).result.tools).toHaveLength(codaTools.length)
    expect(await (await postTo(listening.origin, unknown)).text()).toMatch(/coda_nothing/)
    await postTo(listening.origin, [listTools, { ...call, params: { name: 'coda_whoami' } }])
    await postTo(listening.origin, { ...call, params: { name: 7 } })
    expect(made).toEqual([undefined, 'coda_nothing', undefined, undefined])
  })
})
