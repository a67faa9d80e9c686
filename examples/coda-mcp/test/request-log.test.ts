import { afterEach, describe, expect, it } from 'vitest'
import { redactHeaders } from '../src/logger.js'
import { callTool, post } from './support/http-calls.js'
import { type RunningApp, startApp } from './support/mcp.js'
import { startStandIn } from './support/stand-in.js'
import { startTestServer } from './support/test-server.js'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close()
})

async function start(): Promise<RunningApp> {
  const standIn = await startStandIn()
  open.push(standIn)
  const app = await startApp({ codaBaseUrl: standIn.baseUrl })
  open.unshift(app)
  return app
}

const lines = ({ log }: RunningApp): Record<string, unknown>[] =>
  log.map((line) => JSON.parse(line))

describe('request ids', () => {
  it.each(['a', 'trace-1.2_3', 'A'.repeat(64)])('are taken from the caller: %s', async (id) => {
    const app = await start()
    const response = await fetch(`${app.origin}/mcp`, { headers: { 'x-request-id': id } })
    expect(response.headers.get('x-request-id')).toBe(id)
  })

  it.each(['', 'A'.repeat(65), 'two words', 'a,b', 'é', '{"level":60}', 'a\tb'])(
    'are random where the caller sends %j',
    async (id) => {
      const app = await start()
      const response = await fetch(`${app.origin}/mcp`, { headers: { 'x-request-id': id } })
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    },
  )

  it('are on every line of a request, that of the tool too', async () => {
    const app = await start()
    const headers = { 'x-request-id': 'call-1', authorization: 'Bearer x' }
    const params = { name: 'coda_whoami' }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    const type = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const url = `${app.origin}/mcp`
    const response = await fetch(url, { method: 'POST', headers: { ...headers, ...type }, body })
    expect(response.status).toBe(200)
    await expect.poll(() => lines(app).filter(({ msg }) => msg === 'answered').length).toBe(1)
    expect(lines(app).map(({ msg, requestId }) => [msg, requestId])).toEqual([
      ['received', 'call-1'],
      ['tool called', 'call-1'],
      ['answered', 'call-1'],
    ])
  })
})

describe('the guard', () => {
  it('reports under the id of the request, also where the caller sent none', async () => {
    const server = await startTestServer({
      MCP_BEARER_TOKENS: `laptop:sha256:${'0'.repeat(64)}`,
      CODA_API_TOKEN: 'canary-coda-token',
    })
    open.push(server)
    const headers = { 'x-request-id': 'refused-1' }
    await post(server.resource, 'tools/list', { token: 'canary', headers })
    const other = await post(server.resource, 'tools/list', { token: 'canary' })
    const refused = server.log
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'caller refused')
    expect(refused.map(({ requestId }) => requestId)).toEqual([
      'refused-1',
      other.headers.get('x-request-id'),
    ])
    expect(server.log.join('')).not.toContain('canary')
  })
})

describe('the log of tool calls', () => {
  it('says without a database, at info, who called what with which outcome, and nothing more', async () => {
    const app = await start()
    await (
      await callTool(`${app.origin}/mcp`, 'x', 'coda_get_document', { docId: 'canary-doc' })
    ).text()
    const called = lines(app).filter(({ msg }) => msg === 'tool called')
    expect(called).toMatchObject([
      {
        level: 30,
        tool: 'coda_get_document',
        outcome: 'coda_not_found',
        issuer: 'stub',
        subject: 'caller',
        durationMs: expect.any(Number),
      },
    ])
    expect(app.log.join('')).not.toContain('canary')
  })
})

describe('redactHeaders()', () => {
  it.each([
    'Authorization',
    'proxy-authorization',
    'Cookie',
    'set-cookie',
    'X-Api-Key',
    'x-auth-token',
    'x-goog-iap-jwt-assertion',
    'x-forwarded-access-token',
    'x-amzn-oidc-accesstoken',
    'CF-Access-Client-Secret',
    'cf-access-authenticated-user-email',
    'dpop',
    'mcp-session-id',
  ])('never shows %s', (name) => {
    expect(redactHeaders({ [name]: 'canary' })).toEqual({ [name]: '[redacted]' })
  })

  it.each([
    'user-agent',
    'content-type',
    'mcp-protocol-version',
    'origin',
    'host',
    'x-forwarded-for',
  ])('shows %s', (name) => {
    expect(redactHeaders({ [name]: 'value' })).toEqual({ [name]: 'value' })
  })

  it.each(['referer', 'x-original-url', 'X-Forwarded-Uri'])('cuts the query from %s', (name) => {
    const headers = { [name]: 'https://coda.example.com/mcp?access_token=canary#canary' }
    expect(redactHeaders(headers)).toEqual({ [name]: 'https://coda.example.com/mcp' })
  })

  it('C26 keeps lines short', () => {
    expect(redactHeaders({ 'user-agent': 'x'.repeat(9000) })).toEqual({
      'user-agent': 'x'.repeat(256),
    })
  })
})
