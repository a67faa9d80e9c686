import { afterEach, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.js'
import { createLogger } from '../src/logger.js'
import { logStart } from '../src/start-log.js'
import { type AppSetup, type RunningApp, startApp } from './support/mcp.js'
import { startStandIn } from './support/stand-in.js'

const open: { close(): Promise<void> }[] = []

async function start(setup: AppSetup = {}): Promise<RunningApp> {
  const app = await startApp(setup)
  open.unshift(app)
  return app
}

afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close()
})

describe('health', () => {
  it('shows service, ways in and store, without a credential', async () => {
    const { origin } = await start()
    const response = await fetch(`${origin}/health`)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      status: 'ok',
      service: 'coda-mcp',
      version: '1.2.3',
      auth: { provider: 'stytch', providers: ['stytch', 'bearer'], oauth_compliant: true },
      store: { type: 'env', status: 'ok' },
      timestamp: '2026-01-02T00:00:00.000Z',
    })
  })

  it('answers HEAD without a body', async () => {
    const { origin } = await start()
    const response = await fetch(`${origin}/health`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('is ready from the start to the drain, and stays ready while the store is away', async () => {
    const { origin, health } = await start()
    const ready = async (): Promise<number> => (await fetch(`${origin}/health/ready`)).status
    expect(await ready()).toBe(503)
    health.started()
    expect(await ready()).toBe(200)
    health.degraded('store', true)
    expect(await ready()).toBe(200)
    expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({
      status: 'degraded',
      store: { status: 'unavailable' },
    })
    health.degraded('store', false)
    expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({ status: 'ok' })
    health.drain()
    expect(await ready()).toBe(503)
    health.started()
    expect(await ready()).toBe(503)
    expect((await fetch(`${origin}/health/live`)).status).toBe(200)
  })
})

describe('landing page', () => {
  const env = {
    PUBLIC_URL: 'https://coda.example.com/a&b',
    STYTCH_PROJECT_ID: 'project-live-1',
    STYTCH_DOMAIN: 'login.example.com',
    CODA_API_TOKEN: 'canary',
  }

  it('names the connector URL for each client, without script and under a strict policy', async () => {
    const { origin } = await start({ env })
    const response = await fetch(`${origin}/`)
    const page = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; /)
    expect(policy).not.toMatch(/unsafe|script-src/)
    for (const client of ['ChatGPT', 'Claude', 'Claude Code', 'Cursor', 'VS Code']) {
      expect(page).toContain(`<h2>${client}</h2>`)
    }
    expect(page).toContain('<code>https://coda.example.com/a&amp;b/mcp</code>')
    expect(page).not.toMatch(/<script|javascript:|canary| on\w+=/)
    expect(page).toMatch(/<html lang="en">/)
    expect(page).toContain('prefers-color-scheme: dark')
  })

  it('does not promise a sign-in where only fixed tokens are accepted', async () => {
    const { origin } = await start({ oauth: false })
    const page = await (await fetch(`${origin}/`)).text()
    expect(page).toContain('accepts fixed tokens only')
    expect(page).toContain('--header &quot;Authorization: Bearer &lt;your token&gt;&quot;')
    expect(page).not.toContain('Add custom connector')
  })

  it('names the right URL to a client that was given the wrong one', async () => {
    const { origin } = await start({ env })
    const response = await fetch(`${origin}/`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: 'not_found',
      error_description: 'The MCP endpoint is https://coda.example.com/a&b/mcp',
    })
  })
})

describe('createApp()', () => {
  it('refuses to be built without a guard', async () => {
    await expect(startApp({ auth: [] })).rejects.toThrow(/auth must hold/)
  })

  it.each(['/mcp', '/mcp/', '/elsewhere', '/health/other'])(
    'lets nobody past the guard at %s',
    async (path) => {
      const { origin } = await start()
      expect((await fetch(`${origin}${path}`, { method: 'POST' })).status).toBe(401)
    },
  )

  it('answers 404 with the right URL behind the guard', async () => {
    const { origin } = await start()
    const headers = { authorization: 'Bearer x' }
    const response = await fetch(`${origin}/elsewhere`, { headers })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      error_description: expect.stringContaining('/mcp'),
    })
  })

  it.each(['GET', 'DELETE'])(
    'answers %s on /mcp with 405, since there are no sessions',
    async (method) => {
      const { origin } = await start()
      const headers = { authorization: 'Bearer x', accept: 'text/event-stream' }
      const response = await fetch(`${origin}/mcp`, { method, headers })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    },
  )

  it('answers a failing guard with 500 and no details', async () => {
    const { origin, log } = await start({
      auth: [
        () => {
          throw new Error('canary-detail')
        },
      ],
    })
    const response = await fetch(`${origin}/mcp`, { method: 'POST' })
    expect([response.status, await response.text()]).toEqual([500, '{"error":"server_error"}'])
    expect(log.join('')).toContain('canary-detail')
  })

  it('ends a tool call whose client has gone away', async () => {
    const standIn = await startStandIn()
    open.push(standIn)
    standIn.faults.next({ kind: 'hang' })
    const { origin, log } = await start({ codaBaseUrl: standIn.baseUrl })
    const controller = new AbortController()
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'coda_whoami' } }
    const pending = fetch(`${origin}/mcp`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer x',
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      signal: controller.signal,
    })
    await expect.poll(() => standIn.received.length).toBe(1)
    controller.abort()
    await expect(pending).rejects.toThrow()
    await expect.poll(() => log.some((line) => line.includes('"tool":"coda_whoami"'))).toBe(true)
  })
})

describe('log', () => {
  it('has one info line per accepted request, with its id, and none for others', async () => {
    const { origin, log } = await start()
    await fetch(`${origin}/health`)
    await fetch(`${origin}/mcp`, { method: 'POST' })
    const response = await fetch(`${origin}/mcp?code=canary`, {
      headers: { authorization: 'Bearer x' },
    })
    const info = (): Record<string, unknown>[] =>
      log.map((line) => JSON.parse(line)).filter(({ level }) => level === 30)
    await expect.poll(() => info().length).toBe(1)
    expect(info()[0]).toMatchObject({
      method: 'GET',
      path: '/mcp',
      status: 405,
      subject: 'caller',
      requestId: response.headers.get('x-request-id'),
    })
    expect(log.join('')).not.toContain('canary')
  })

  it('redacts credentials even when a request is logged by mistake', () => {
    const lines: string[] = []
    const logger = createLogger('info', { write: (line) => void lines.push(line) })
    const headers = {
      authorization: 'Bearer canary',
      cookie: 'canary',
      'set-cookie': 'canary',
      'cf-access-jwt-assertion': 'canary',
    }
    logger.info({ headers, token: 'canary', request: { headers }, coda: { apiToken: 'canary' } })
    logger.error({ err: new Error('failed', { cause: { headers } }) })
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('canary')
  })

  it('says at start where the server is and who may come in', () => {
    const lines: string[] = []
    const logger = createLogger('info', { write: (line) => void lines.push(line) })
    const config = readConfig({ CODA_API_TOKEN: 'canary', JWT_SECRET: 'canary' })
    const metadataUrls = ['http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp']
    const where = { version: '1.2.3', address: '127.0.0.1:8080', metadataUrls }
    logStart(logger, config, { ...where, providers: ['dev'] })
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      ...where,
      publicUrl: 'http://localhost:8080',
      connectorUrl: 'http://localhost:8080/mcp',
      store: 'env',
      waysIn: ['dev'],
    })
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('canary')
  })
})
