import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.js'
import { createLogger } from '../../src/logger.js'
import { createMetrics } from '../../src/metrics/metrics.js'
import { startMetrics } from '../../src/metrics/start-metrics.js'
import { codaTools } from '../../src/tools/index.js'
import { findFreePort } from '../support/free-port.js'
import { callTool, post, sampleUpsert } from '../support/http-calls.js'
import { openSession } from '../support/mcp.js'
import { scrape } from '../support/scrape.js'
import { createOAuthMemory, signIn } from '../support/sign-in.js'
import { type RunningStandIn, startStandIn } from '../support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from '../support/test-server.js'

const { add, run } = createCleanup()
let coda: RunningStandIn
let server: TestServer
let port: number
let token: string

beforeAll(async () => {
  const bearer = await generateBearerToken()
  token = bearer.token
  port = await findFreePort()
  coda = add(await startStandIn({ settleMs: 10 }))
  server = add(
    await startTestServer({
      METRICS_PORT: String(port),
      MCP_BEARER_TOKENS: `canary-name:${bearer.digest}:coda.read`,
      CODA_API_TOKEN: 'canary-coda-token',
      CODA_API_BASE_URL: coda.baseUrl,
    }),
  )
})
afterAll(run)

describe('METRICS_PORT', () => {
  it('serves metrics there and nowhere else', async () => {
    const url = `http://127.0.0.1:${port}`
    const response = await fetch(`${url}/metrics?canary`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect((await fetch(`${url}/metrics`, { method: 'HEAD' })).status).toBe(200)
    const refused = await fetch(`${url}/metrics`, { method: 'POST', body: '{}' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    for (const path of ['/', '/mcp', '/health', '/metrics/']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404)
    }
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${server.url}/metrics`, { headers })).status).toBe(404)
  })

  it('refuses a port that is in use, and says which variable names another', async () => {
    await expect(
      startTestServer({
        METRICS_PORT: String(port),
        MCP_BEARER_TOKENS: `laptop:sha256:${'0'.repeat(64)}`,
        CODA_API_TOKEN: 'canary-coda-token',
      }),
    ).rejects.toThrow(`METRICS_PORT (${port}) cannot be listened on`)
  })

  it('is no reason not to start on a first run', async () => {
    const lines: string[] = []
    const started = await startMetrics({
      config: readConfig({ METRICS_PORT: String(port) }),
      metrics: createMetrics(),
      logger: createLogger('info', { write: (line) => void lines.push(line) }),
    })
    expect(started).toBeUndefined()
    expect(lines.join('')).toContain('there are no metrics: METRICS_PORT')
  })
})

describe('METRICS_HOST', () => {
  const wayIn = {
    PUBLIC_URL: 'https://coda.example.com',
    MCP_BEARER_TOKENS: `laptop:sha256:${'0'.repeat(64)}`,
    CODA_API_TOKEN: 'canary-coda-token',
  }
  /** Where the metrics of a server on every address listen. */
  async function listenWith(env: Record<string, string>): Promise<string> {
    const metricsPort = String(await findFreePort())
    const lines: string[] = []
    const started = await startMetrics({
      config: readConfig({ ...wayIn, HOST: '0.0.0.0', METRICS_PORT: metricsPort, ...env }),
      metrics: createMetrics(),
      logger: createLogger('info', { write: (line) => void lines.push(line) }),
    })
    await started?.close()
    return /"address":"(.+):\d+"/.exec(lines.join(''))?.[1] ?? 'nowhere'
  }

  it('is this machine when nobody says otherwise, on whatever address the server listens', async () => {
    expect(await listenWith({})).toBe('127.0.0.1')
    expect(await listenWith({ METRICS_HOST: '' })).toBe('127.0.0.1')
  })

  it('is not answered on another address of the machine than the one it names', async () => {
    const own = await findFreePort()
    const { MCP_BEARER_TOKENS, CODA_API_TOKEN } = wayIn
    const started = await startTestServer({
      MCP_BEARER_TOKENS,
      CODA_API_TOKEN,
      METRICS_PORT: String(own),
      METRICS_HOST: '127.0.0.2',
    })
    try {
      expect((await fetch(`http://127.0.0.2:${own}/metrics`)).status).toBe(200)
      await expect(fetch(`http://127.0.0.1:${own}/metrics`)).rejects.toThrow()
    } finally {
      await started.close()
    }
  })

  it('may be every address', async () => {
    expect(await listenWith({ METRICS_HOST: '0.0.0.0' })).toBe('0.0.0.0')
  })

  it.each(['http://127.0.0.1', '127.0.0.1:9464', 'a b'])('refuses %s', (address) => {
    expect(() => readConfig({ METRICS_HOST: address })).toThrow(/METRICS_HOST must be an address/)
  })

  it('refuses an address of another machine, and names the variable', async () => {
    await expect(listenWith({ METRICS_HOST: '192.0.2.1' })).rejects.toThrow(
      'METRICS_HOST is no address of this machine',
    )
  })

  it('changes nothing about who may reach a first run', () => {
    expect(readConfig({ METRICS_HOST: '0.0.0.0' }).firstRun).toBe(true)
    expect(() => readConfig({ HOST: '0.0.0.0' })).toThrow('PUBLIC_URL is missing')
  })
})

describe('metrics of requests', () => {
  it('count what the guard decided, how long that took and whether it was remembered', async () => {
    const before = await scrape(port)
    const count = (now: Awaited<ReturnType<typeof scrape>>, name: string, labels: object): number =>
      (now.sample(name, { ...labels }) ?? 0) - (before.sample(name, { ...labels }) ?? 0)

    expect((await callTool(server.resource, token, 'coda_whoami')).status).toBe(200)
    expect((await callTool(server.resource, token, 'coda_whoami')).status).toBe(200)
    expect((await post(server.resource, 'tools/list')).status).toBe(401)
    expect((await post(server.resource, 'tools/list', { token: `${token}x` })).status).toBe(401)
    const write = await callTool(server.resource, token, 'coda_upsert_rows', sampleUpsert)
    expect(write.status).toBe(403)

    const validator = 'local-bearer'
    const after = await scrape(port)
    expect(count(after, 'mcp_requests_total', { outcome: 'accepted', validator })).toBe(2)
    expect(count(after, 'mcp_requests_total', { outcome: 'insufficient_scope', validator })).toBe(1)
    const anonymous = { outcome: 'unauthenticated', validator: 'none' }
    expect(count(after, 'mcp_requests_total', anonymous)).toBe(1)
    await expect
      .poll(async () =>
        count(await scrape(port), 'http_requests_total', { endpoint: 'mcp', status: '401' }),
      )
      .toBe(2)
    expect(after.sample('http_requests_in_flight')).toBe(0)
    expect(after.sample('server_ready')).toBe(1)
    const accepted = { validator, outcome: 'accepted' }
    expect(after.sample('token_validation_duration_seconds_count', accepted)).toBeGreaterThan(0)
    const reused = ['hit', 'miss'].map(
      (result) => after.sample('token_validation_cache_total', { result }) ?? 0,
    )
    expect(reused.reduce((sum, each) => sum + each)).toBe(
      after.sample('mcp_requests_total', { outcome: 'accepted', validator }),
    )
  })

  it('show tool calls, Coda and the store, with failures by their code', async () => {
    coda.faults.next({ kind: 'status', status: 404 })
    const missing = await callTool(server.resource, token, 'coda_get_document', {
      docId: 'nothing',
    })
    expect(await missing.text()).toContain('coda_not_found')
    const now = await scrape(port)
    const failed = { tool: 'coda_get_document', outcome: 'coda_not_found' }
    expect(now.sample('mcp_tool_calls_total', failed)).toBe(1)
    const ok = { tool: 'coda_whoami', outcome: 'ok' }
    expect(now.sample('mcp_tool_calls_total', ok)).toBe(2)
    expect(now.sample('mcp_tool_call_duration_seconds_count', ok)).toBe(2)
    const whoami = { operation: 'GET /whoami', status: '200' }
    expect(now.sample('coda_request_duration_seconds_count', whoami)).toBe(2)
    const doc = { operation: 'GET /docs/*', status: '404' }
    expect(now.sample('coda_request_duration_seconds_count', doc)).toBe(1)
    const read = { store: 'env', operation: 'get', outcome: 'ok' }
    expect(now.sample('token_store_operation_duration_seconds_count', read)).toBeGreaterThan(0)
    const error = { store: 'env', operation: 'get', reason: 'unavailable' }
    expect(now.sample('token_store_errors_total', error)).toBe(0)
  })

  it('have labels of a fixed number of values, whatever somebody sends', async () => {
    await callTool(server.resource, token, 'canary_tool')
    await callTool(server.resource, token, 'coda_get_row', {
      docId: 'canary-doc',
      tableIdOrName: 'canary-table',
      rowIdOrName: 'rows',
    })
    const headers = { authorization: `Bearer ${token}`, 'x-request-id': 'canary-request' }
    await fetch(`${server.url}/canary-path?canary`, { headers, method: 'DELETE' })
    await fetch(`${server.url}/.well-known/oauth-protected-resource/canary`)
    await post(server.resource, 'tools/list', { token: 'canary.canary.canary' })
    await expect
      .poll(async () => (await scrape(port)).valuesOf('endpoint').has('resource-metadata'))
      .toBe(true)
    const now = await scrape(port)
    expect(now.text).not.toContain('canary')
    expect(now.text).not.toContain(token)
    const tools = new Set(codaTools.map(({ name }) => name))
    for (const tool of now.valuesOf('tool')) expect(tools).toContain(tool)
  })
})

/** A server with everything built in, and a client that has gone to its sign-in page. */
async function startFirstRun() {
  const own = await findFreePort()
  const first = await startTestServer({ METRICS_PORT: String(own) })
  return {
    first,
    records: async (kind: string) => (await scrape(own)).sample('oauth_records', { kind }),
    own,
  }
}

describe('metrics of the embedded authorization server', () => {
  it('show a code that was not redeemed yet, with its grant, client and session', async () => {
    const { first, records } = await startFirstRun()
    try {
      const memory = createOAuthMemory()
      const session = openSession(first.resource, 'v1', { authProvider: memory })
      await expect(session.connect()).rejects.toThrow()
      expect(memory.answer().code).not.toBe('')
      for (const kind of ['codes', 'grants', 'clients', 'sessions']) {
        expect([kind, await records(kind)]).toEqual([kind, 1])
      }
    } finally {
      await first.close()
    }
  }, 120_000)

  it('count its requests and events, and no code once it is redeemed', async () => {
    const { first, records, own } = await startFirstRun()
    try {
      const { client } = await signIn(first.resource, 'v1')
      await client.call('coda_whoami')
      await client.close()
      expect([await records('codes'), await records('grants')]).toEqual([0, 1])
      const now = await scrape(own)
      const answered = { endpoint: 'token', status: '200' }
      expect(now.sample('oauth_requests_total', answered)).toBe(1)
      const metadata = { endpoint: 'server-metadata', status: '200' }
      expect(now.sample('oauth_requests_total', metadata)).toBeGreaterThan(0)
      expect(now.sample('oauth_events_total', { event: 'token.issue', outcome: 'done' })).toBe(1)
      expect(now.sample('oauth_events_total', { event: 'token.reuse', outcome: 'denied' })).toBe(0)
      expect(now.sample('audit_entries_total', { outcome: 'dropped' })).toBe(0)
    } finally {
      await first.close()
    }
  }, 120_000)
})
