import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import { type RunningApp, startApp } from './support/mcp.js'

let app: RunningApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(async () => {
  await app.close()
})

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${app.origin}/mcp`, {
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
