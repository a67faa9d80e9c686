import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mcpAuth, type NodeRequest } from '../../../packages/mcp-auth-middleware/src/express.js'
import {
  assertContract,
  type Exchange,
  type ExpectedRefusal,
  probe,
  type REFUSALS,
} from '../../../packages/mcp-auth-middleware/test/black-box/contract.js'
import type { Host } from '../../../packages/mcp-auth-middleware/test/black-box/hosts.js'
import {
  createRecorder,
  createScenarioAuth,
  type Scenario,
  takeRecording,
} from '../../../packages/mcp-auth-middleware/test/black-box/scenario.js'
import { compress } from './compression.js'

// Express 4 has no type package beside that of Express 5; what is used here is the same in both.
const express4: typeof express = createRequire(import.meta.url)('express4')
const FRAMEWORKS = [
  ['express4', express4],
  ['express5', express],
] as const

const scenario: Scenario = {
  options: {
    resource: 'https://mcp.test/mcp',
    scopes: {
      required: ['read'],
      tools: { delete_doc: ['write'], stored_row: [] },
      otherTools: ['read'],
    },
  },
  validators: [
    {
      kind: 'table',
      selects: { prefixes: ['tbl_'] },
      authorizationServers: ['https://as.test'],
      tokens: {
        tbl_reader: { principal: { scopes: ['read'] } },
        tbl_bug: { broken: 'throws' },
      },
    },
  ],
  credential: 'unavailable',
}

/** Where the guard stands among others. */
const ORDERS = ['alone', 'behind compression', 'behind a parser', 'twice', 'below a path'] as const
type Order = (typeof ORDERS)[number] | 'everything at once'

interface Running extends Host {
  readonly server: Server
  /** Errors that reached the handler of the app. */
  readonly errors: unknown[]
}

const running: Running[] = []
afterAll(() => {
  for (const { server } of running) {
    server.close()
    server.closeAllConnections()
  }
})

async function start(
  kind: 'express4' | 'express5',
  framework: typeof express,
  order: Order,
): Promise<Running> {
  const recorder = createRecorder()
  const auth = createScenarioAuth(scenario, recorder)
  const all = order === 'everything at once'
  const errors: unknown[] = []
  const app = framework()
  const router = all || order === 'below a path' ? framework.Router() : app
  if (all || order === 'behind compression') app.use(compress)
  if (all || order === 'behind a parser') app.use(framework.json({ type: () => true }))
  router.use(mcpAuth(auth))
  if (all || order === 'twice') router.use(mcpAuth(auth))
  router.use(async (request: NodeRequest, response: ServerResponse, next: () => void) => {
    const { method = '', originalUrl: target = '' } = request
    recorder.calls.push({ method, target, caller: null })
    if (request.headers['x-fails'] !== undefined) {
      const error = new Error('of the handler')
      // Express 4 does not look at what an async handler returns.
      if (kind === 'express5') throw error
      return Reflect.apply(next, undefined, [error])
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ handled: true, text: 'x'.repeat(5_000) }))
  })
  if (router !== app) app.use('/mcp', router)
  app.use((error: unknown, _request: unknown, response: ServerResponse, _next: unknown) => {
    errors.push(error)
    response.statusCode = 599
    response.end('by the app')
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const host: Running = {
    kind,
    port,
    scenario,
    server,
    errors,
    take: async () => takeRecording(recorder),
    revoke: async () => undefined,
    close: async () => undefined,
  }
  running.push(host)
  return host
}

const callOf = (name: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

interface Row {
  readonly name: string
  readonly sent: readonly string[]
  readonly body?: string
  readonly outcome: keyof typeof REFUSALS
  readonly expected?: ExpectedRefusal
}

const READER = 'Bearer tbl_reader'
const ROWS: readonly Row[] = [
  { name: 'no credential', sent: [], outcome: 'BARE' },
  { name: 'another scheme', sent: ['Basic YTpi'], outcome: 'BARE' },
  { name: 'a bad token', sent: ['Bearer tbl_unknown'], outcome: 'TOK' },
  { name: 'junk behind the token', sent: [`${READER} x`], outcome: 'MAL' },
  { name: 'two tokens', sent: [READER, 'Bearer tbl_bug'], outcome: 'MAL_400' },
  {
    name: 'a tool that needs more',
    sent: [READER],
    body: callOf('delete_doc'),
    outcome: 'SCO',
    expected: { scope: ['read', 'write'] },
  },
  { name: 'no message', sent: [READER], body: '{"name":"x"}', outcome: 'BODY_400' },
  { name: 'a store that is down', sent: [READER], body: callOf('stored_row'), outcome: 'DEP' },
  { name: 'a validator that throws', sent: ['Bearer tbl_bug'], outcome: 'ERR' },
]

async function ask(host: Host, authorization: readonly string[], body: string, extra = {}) {
  const fields = { 'Content-Type': 'application/json', 'Accept-Encoding': 'gzip', ...extra }
  return await probe(host, {
    headers: [
      ...authorization.map((value) => ['Authorization', value] as const),
      ...Object.entries<string>(fields),
    ],
    body,
  })
}

/** The exchange as a client sees it that has decoded the answer. */
function decoded(exchange: Exchange): Exchange {
  const { response } = exchange
  expect(response.complete).toBe(true)
  if (response.header('content-encoding') === undefined) return exchange
  const body = gunzipSync(response.body)
  return { ...exchange, response: { ...response, body, text: body.toString() } }
}

/** What must be the same wherever the guard stands. */
function essenceOf({ response }: Exchange) {
  const names = ['www-authenticate', 'cache-control', 'retry-after', 'content-type']
  return [response.status, response.text, ...names.map((name) => response.header(name))]
}

describe.each(FRAMEWORKS)('P28 the guard on %s', (kind, framework) => {
  let plain: Running
  beforeAll(async () => {
    plain = await start(kind, framework, 'alone')
  })

  describe.each([...ORDERS, 'everything at once'] as const)('%s', (order) => {
    let host: Running
    beforeAll(async () => {
      host = await start(kind, framework, order)
    })
    const compresses = /compression|everything/.test(order)

    it.each(ROWS)('refuses $name as it does alone', async (row) => {
      const { sent, body = PING, outcome, expected } = row
      const exchange = await ask(host, sent, body)
      expect(exchange.response.header('content-encoding')).toBe(compresses ? 'gzip' : undefined)
      const seen = decoded(exchange)
      assertContract(seen, outcome, expected)
      expect(essenceOf(seen)).toEqual(essenceOf(await ask(plain, sent, body)))
      expect(host.errors).toEqual([])
    })

    it('hands a good request on, and the answer back whole', async () => {
      const { response, calls } = decoded(await ask(host, [READER], PING))
      expect([response.status, calls.length]).toEqual([200, 1])
      expect(JSON.parse(response.text).text).toHaveLength(5_000)
    })

    it('leaves the errors of the handler to the app', async () => {
      const { response } = decoded(await ask(host, [READER], PING, { 'X-Fails': '1' }))
      expect([response.status, response.text]).toEqual([599, 'by the app'])
      expect(host.errors.splice(0)).toMatchObject([{ message: 'of the handler' }])
    })
  })
})
