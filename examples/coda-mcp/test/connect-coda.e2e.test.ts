import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type OpenidProvider,
  startOpenidProvider,
} from '../../../packages/authorization-server/test/login/support/openid-provider.js'
import { testEngines } from '../../../packages/store-postgres/test/support/engines.js'
import { callTool } from './support/http-calls.js'
import { outputValidators } from './support/output-validators.js'
import { visit } from './support/person.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'
import { embeddedEnv, personAt } from './ways-in/embedded-way-in.js'
import { tokenByCode } from './ways-in/token-by-code.js'

vi.setConfig({ testTimeout: 60_000 })

const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)
const outer = createCleanup()
const { add, run } = createCleanup()
const encryptionKeys = generateEncryptionKey()
const tokens = ['canary-coda-1', 'canary-coda-2'] as const
/** Tokens that Coda no longer takes. */
const revoked = new Set<string>()
let connectionString: string
let provider: OpenidProvider
let coda: RunningStandIn
let server: TestServer
/** Ann's access token. */
let token: string

const scope = 'coda.read coda.write'
const elicitation = { elicitation: { url: {} } }
const info = { name: 'client', version: '1.0.0' }

beforeAll(async () => {
  if (engine === undefined) return
  const database = await engine.createDatabase()
  outer.add({ close: () => database.drop() })
  connectionString = database.connectionString ?? ''
  provider = outer.add(await startOpenidProvider())
}, 60_000)
afterAll(outer.run)

beforeEach(async () => {
  if (engine === undefined) return
  revoked.clear()
  coda = add(
    await startStandIn({
      settleMs: 50,
      acceptsToken: (each) => tokens.some((known) => known === each) && !revoked.has(each),
    }),
  )
  const outage = { begin: () => {}, end: () => {}, statuses: [] }
  const setup = { provider, encryptionKeys, connectionString: () => connectionString, outage }
  server = add(
    await startTestServer({
      ...embeddedEnv(setup),
      TOKEN_STORE: 'postgres',
      CODA_CREDENTIALS: 'user',
      CODA_API_BASE_URL: coda.baseUrl,
    }),
  )
  const ann = { ...personAt(provider, 'ann'), codaToken: tokens[0] }
  token = (await tokenByCode(server, ann, scope)).access_token
})
afterEach(run)

/** Takes the stored token away, as an operator does it. */
async function disconnect(): Promise<void> {
  const store = postgresTokenStore({ connectionString, encryptionKeys })
  const owner = { kind: 'user', issuer: server.url, subject: String(decodeJwt(token).sub) } as const
  await store.delete({ provider: 'coda', owner })
  await store.close()
  // The server hears of it from the database.
  await expect.poll(answer, { timeout: 10_000 }).toContain('credential_required')
}

const answer = async (): Promise<string> =>
  await (await callTool(server.resource, token, 'coda_whoami')).text()

/** What Ann does when she is shown the page. */
async function connectOn(url: string): Promise<void> {
  const account = await visit(new URL(url), personAt(provider, 'ann'))
  const done = await account.submit('/account/credentials/coda/replace', { api_token: tokens[1] })
  expect(done.status).toBe(200)
}

const init = () => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } })

async function connectV1(capabilities: object): Promise<ClientV1> {
  const client = add(new ClientV1(info, { ...outputValidators.v1, capabilities }))
  const transport = new TransportV1(new URL(server.resource), init())
  await client.connect(transport as Parameters<typeof client.connect>[0])
  return client
}

async function connectV2(
  mode: 'legacy' | { pin: string },
  capabilities: object,
): Promise<ClientV2> {
  const options = { ...outputValidators.v2, capabilities, versionNegotiation: { mode } }
  return add(new ClientV2(info, options))
}

const whoami = { name: 'coda_whoami', arguments: {} }

describe.skipIf(engine === undefined)('a caller without a Coda token', () => {
  beforeEach(async () => {
    if (engine !== undefined) await disconnect()
  })

  it('2026-07-28: is shown the page, and the same call goes on when Coda is connected', async () => {
    const client = await connectV2({ pin: '2026-07-28' }, elicitation)
    const asked: unknown[] = []
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      asked.push(params)
      await connectOn(String(Reflect.get(params, 'url')))
      return { action: 'accept' }
    })
    await client.connect(new TransportV2(new URL(server.resource), init()))
    const result = await client.callTool(whoami)
    expect(result.isError).not.toBe(true)
    expect(asked).toEqual([
      expect.objectContaining({
        mode: 'url',
        url: `${server.url}/account`,
        message: expect.stringContaining('connect Coda'),
      }),
    ])
    expect(coda.received.at(-1)?.headers.authorization).toBe(`Bearer ${tokens[1]}`)
  })

  it.each(['accept', 'decline', 'cancel'] as const)(
    '2026-07-28: is told in words when the page changed nothing: %s',
    async (action) => {
      const client = await connectV2({ pin: '2026-07-28' }, elicitation)
      let asked = 0
      client.setRequestHandler('elicitation/create', async () => {
        asked += 1
        return { action }
      })
      await client.connect(new TransportV2(new URL(server.resource), init()))
      const result = await client.callTool(whoami)
      expect(JSON.stringify(result)).toContain(`Ask the person to open ${server.url}/account`)
      expect([result.isError, asked]).toEqual([true, 1])
    },
  )

  it('2025-11-25: gets the error that names the page, with SDK v1', async () => {
    const client = await connectV1(elicitation)
    const error: unknown = await client.callTool(whoami).catch((each: unknown) => each)
    expect(error).toMatchObject({
      code: -32042,
      data: { elicitations: [{ mode: 'url', url: `${server.url}/account` }] },
    })
    await connectOn(`${server.url}/account`)
    expect((await client.callTool(whoami)).isError).not.toBe(true)
  })

  it('2025-11-25: gets the error that names the page, with SDK v2', async () => {
    const client = await connectV2('legacy', elicitation)
    client.setRequestHandler('elicitation/create', async () => ({ action: 'accept' }))
    await client.connect(new TransportV2(new URL(server.resource), init()))
    const error: unknown = await client.callTool(whoami).catch((each: unknown) => each)
    expect(error).toMatchObject({ code: -32042 })
    const [first] = Reflect.get(Object(Reflect.get(Object(error), 'data')), 'elicitations')
    expect(first).toMatchObject({ url: `${server.url}/account`, elicitationId: expect.any(String) })
  })

  it.each([
    ['nothing about it', {}],
    ['that it shows forms', { elicitation: {} }],
    ['that it shows forms, in the newer way', { elicitation: { form: {} } }],
  ])('is told in words when the client says %s', async (_, capabilities) => {
    const words = `Ask the person to open ${server.url}/account and connect Coda`
    const old = await connectV1(capabilities)
    expect(JSON.stringify(await old.callTool(whoami))).toContain(words)
    const client = await connectV2({ pin: '2026-07-28' }, capabilities)
    await client.connect(new TransportV2(new URL(server.resource), init()))
    expect(JSON.stringify(await client.callTool(whoami))).toContain(words)
  })

  it('gives a session id to clients that open pages only, and needs none', async () => {
    const open = async (capabilities: object): Promise<string | null> => {
      const response = await fetch(server.resource, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion: '2025-11-25', capabilities, clientInfo: info },
        }),
      })
      return response.headers.get('mcp-session-id')
    }
    expect(await open({})).toBeNull()
    expect(await open({ elicitation: {} })).toBeNull()
    const [first, second] = [await open(elicitation), await open(elicitation)]
    expect(first).toMatch(/^opens-urls\.[0-9a-f-]{36}$/)
    expect(second).not.toBe(first)
  })
})

describe.skipIf(engine === undefined)('a caller whose Coda token was revoked', () => {
  it('is sent to the page, Coda is not asked again, and a new token works at once', async () => {
    expect(await answer()).toContain('structuredContent')
    revoked.add(tokens[0])
    const before = coda.received.length
    const refused = await answer()
    expect(refused).toContain('coda_unauthorized')
    expect(refused).toContain(`Ask the person to open ${server.url}/account and connect Coda`)
    expect(await answer()).toContain('Coda no longer takes the token')
    // The call, and the second look at the token.
    expect(coda.received).toHaveLength(before + 2)
    expect(server.log.join('')).toContain('it is marked and has to be replaced')

    await connectOn(`${server.url}/account`)
    expect(await answer()).toContain('structuredContent')
    expect(server.log.join('')).not.toContain('canary')
  })

  it('is shown the page by a client that opens it, and the same call goes on', async () => {
    revoked.add(tokens[0])
    const client = await connectV2({ pin: '2026-07-28' }, elicitation)
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      await connectOn(String(Reflect.get(params, 'url')))
      return { action: 'accept' }
    })
    await client.connect(new TransportV2(new URL(server.resource), init()))
    expect((await client.callTool(whoami)).isError).not.toBe(true)
  })
})
