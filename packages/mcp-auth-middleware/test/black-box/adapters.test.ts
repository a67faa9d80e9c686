import { createServer, type Server } from 'node:http'
import { serve } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { mcpAuth } from '../../src/express.js'
import { assertAccepted, assertContract, collect, describeReasonCodes, probe } from './contract.js'
import { createFetchHandler } from './fetch-handler.js'
import { HOST_KINDS, type Host, useHost } from './hosts.js'
import { openConnection, sendRaw } from './raw-http.js'
import { createRecorder, createScenarioAuth, type Scenario, takeRecording } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

/* What single adapters must do when an application around them does something unusual. */

afterAll(stopWorkers)

const scenario: Scenario = {
  options: {
    resource: 'https://mcp.test/mcp',
    allowedOrigins: ['https://app.test'],
    scopes: { tools: {}, otherTools: ['write'] },
  },
  validators: [
    {
      kind: 'table',
      selects: { prefixes: ['tbl_'] },
      authorizationServers: ['https://as.test'],
      delayMs: 30,
      tokens: { tbl_good: { principal: {} } },
    },
  ],
}
const headers = [
  ['Authorization', 'Bearer tbl_good'],
  ['Origin', 'https://app.test'],
] as const
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

function portOf(server: Server): number {
  servers.push(server)
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listen(listener: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return portOf(server)
}

describe('./express', () => {
  it('adds the Vary of a refusal to that of an earlier middleware', async () => {
    const protect = mcpAuth(createScenarioAuth(scenario, createRecorder()))
    const port = await listen((request, response) => {
      response.setHeader('vary', 'Accept-Encoding')
      protect(request, response, () => response.end('not refused'))
    })
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      headers: { origin: 'https://app.test' },
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('vary')).toBe('Accept-Encoding, Origin')
    await response.text()
  })

  it('works without Express, as (request, response, next)', async () => {
    const recorder = createRecorder()
    const middleware = mcpAuth(createScenarioAuth(scenario, recorder))
    const port = await listen((request, response) => {
      middleware(request, response, () => response.end('handled'))
    })
    expect((await sendRaw(port, { headers, body: PING })).text).toBe('handled')
    expect((await sendRaw(port, { body: PING })).status).toBe(401)
  })

  it('takes options in place of an auth', async () => {
    const app = express()
    app.use(
      mcpAuth({
        resource: 'https://mcp.test/mcp',
        validators: createScenarioValidators(),
      }),
    )
    app.use((_request, response) => void response.end('handled'))
    const port = await listen(app)
    expect((await sendRaw(port, {})).status).toBe(401)
  })

  it.each(['GET', 'POST'])(
    'leaves an answer alone that something else gave meanwhile: %s',
    async (method) => {
      const recorder = createRecorder()
      const middleware = mcpAuth(createScenarioAuth(scenario, recorder))
      let handled = 0
      let settled: () => void = () => undefined
      const done = new Promise<void>((resolve) => {
        settled = resolve
      })
      const port = await listen((request, response) => {
        // As a time-out in front of the guard does.
        setTimeout(() => response.writeHead(503).end('too slow'), 5)
        middleware(request, response, () => {
          handled += 1
        })
        // Later than the validator's verdict.
        setTimeout(settled, 60)
      })
      const body = method === 'POST' ? { body: PING } : {}
      expect(await sendRaw(port, { method, headers, ...body })).toMatchObject({ status: 503 })
      await done
      expect(handled).toBe(0)
    },
  )

  it('hides the access token from whatever prints the request', async () => {
    const app = express()
    app.use(mcpAuth(createScenarioAuth(scenario, createRecorder())))
    app.use((request, response) => {
      const { auth } = request as { auth?: object }
      response.json({ printed: JSON.stringify(auth), keys: Object.keys(auth ?? {}) })
    })
    const { text } = await sendRaw(await listen(app), { headers, body: PING })
    expect(text).toContain('clientId')
    expect(text).not.toContain('tbl_good')
  })
})

function createScenarioValidators() {
  return [
    {
      name: 'closed',
      selects: { opaque: true },
      authorizationServers: [],
      scopeSource: 'none' as const,
      resourceBinding: 'audience' as const,
      validate: () => ({ kind: 'rejected' as const, reason: 'unknown_token' }),
    },
  ]
}

describe('fetch', () => {
  async function startHono(before: (app: Hono) => void): Promise<Host> {
    const recorder = createRecorder()
    const auth = createScenarioAuth(scenario, recorder)
    const app = new Hono()
    before(app)
    app.all('*', (context) => auth.fetch(context.req.raw, createFetchHandler(auth, recorder)))
    const server = await new Promise<Server>((resolve) => {
      const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
        resolve(started as Server),
      )
    })
    return {
      kind: 'hono',
      port: portOf(server),
      scenario,
      take: async () => takeRecording(recorder),
      revoke: async () => undefined,
      close: async () => undefined,
    }
  }

  it('refuses a body that something before it has read away', async () => {
    const host = await startHono((app) => {
      app.use(async (context, next) => {
        await context.req.raw.text()
        await next()
      })
    })
    const exchange = await probe(host, { headers, body: PING })
    assertContract(exchange, 'BODY_400', { reason: 'body_incomplete' })
  })

  it('adds its headers to an answer that cannot be changed', async () => {
    const auth = createScenarioAuth(scenario, createRecorder())
    const request = new Request('https://mcp.test/mcp', {
      headers: { authorization: 'Bearer tbl_good', origin: 'https://app.test' },
    })
    const immutable = Response.redirect('https://mcp.test/elsewhere')
    const response = await auth.fetch(request, () => immutable)
    expect(response.status).toBe(302)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.test')
    expect(response.headers.get('vary')).toContain('Origin')
  })

  it('tells of its Vary once in an answer that is given again and again', async () => {
    const auth = createScenarioAuth(scenario, createRecorder())
    const same = new Response(null, { status: 202, headers: { vary: 'Accept' } })
    for (let count = 0; count < 3; count++) {
      const request = new Request('https://mcp.test/mcp', {
        headers: { authorization: 'Bearer tbl_good', origin: 'https://app.test' },
      })
      const response = await auth.fetch(request, () => same)
      expect(response.headers.get('vary')).toBe('Accept, Origin')
    }
  })

  // Servers such as Hono's write a short answer at once, unless somebody looked at its body.
  it.each([
    ['application/json', 0],
    ['text/event-stream', 1],
  ])('looks at the body of %s %i times', async (type, expected) => {
    const auth = createScenarioAuth(scenario, createRecorder())
    const authorization = { headers: { authorization: 'Bearer tbl_good' } }
    let looks = 0
    class WatchedResponse extends Response {
      override get body() {
        looks += 1
        return super.body
      }
    }
    const answer = new WatchedResponse('{}', { headers: { 'content-type': type } })
    const request = new Request('https://mcp.test/mcp', authorization)
    const response = await auth.fetch(request, () => answer)
    expect(looks).toBe(expected)
    expect(await response.text()).toBe('{}')
  })
})

describe.each(HOST_KINDS)('an answer of the handler on %s', (kind) => {
  const host = useHost(kind, () => scenario)

  it('carries the CORS headers of its origin', async () => {
    const exchange = await probe(host(), { headers, body: PING })
    assertAccepted(exchange)
    expect(exchange.response.header('access-control-allow-origin')).toBe('https://app.test')
    expect(exchange.response.header('vary')).toMatch(/\bOrigin\b/)
  })

  it('is told about with the request id of the client, unless that could forge a line', async () => {
    await host().take()
    const connection = await openConnection(host().port)
    for (const [id, kept] of [
      ['abc-1.2_3', true],
      ['a b', false],
      ['x'.repeat(65), false],
      ['a","b', false],
    ] as const) {
      await connection.write(
        `GET /mcp HTTP/1.1\r\nHost: mcp.test\r\nX-Request-Id: ${id}\r\nAuthorization: Bearer tbl_good\r\n\r\n`,
      )
      const { events } = await collect(host(), await connection.read())
      expect(events).toHaveLength(1)
      expect(events[0]?.requestId === id).toBe(kept)
      expect(events[0]?.requestId).toMatch(/^[\w.-]{1,64}$/)
      expect(events[0]?.principal).toMatchObject({ issuer: 'https://table.test', subject: 'ann' })
      expect(JSON.stringify(events)).not.toContain('tbl_good')
    }
    connection.destroy()
  })

  it('is refused when a session id names nobody, also where ids cannot be made', async () => {
    const forged = `mas1.${'A'.repeat(22)}.${'A'.repeat(43)}`
    const exchange = await probe(host(), {
      method: 'GET',
      headers: [...headers, ['Mcp-Session-Id', forged]],
    })
    // The Workers runtime has no synchronous HMAC here, so no id of ours can exist.
    assertContract(exchange, 'GONE', { reason: 'session_of_another', secrets: [forged] })
  })
})

describeReasonCodes()
