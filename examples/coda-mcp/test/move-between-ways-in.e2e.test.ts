import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from '../../../packages/authorization-server/test/login/support/openid-provider.js'
import { testEngines } from '../../../packages/store-postgres/test/support/engines.js'
import { createCodaStandIn, standInPath } from '../src/stand-in/coda-stand-in.js'
import { createDataFolder } from './support/data-folder.js'
import { type FrontProxy, startFrontProxy } from './support/front-proxy.js'
import { callTool, challengeOf, post } from './support/http-calls.js'
import { listen } from './support/listen.js'
import { buildReplica, type Replica, startReplica } from './support/replica.js'
import { startSteadyTraffic } from './support/steady-traffic.js'
import { createCleanup } from './support/test-server.js'
import { unwatched } from './support/unwatched.js'
import { createStytchProject } from './ways-in/stytch-project.js'
import { tokenByCode } from './ways-in/token-by-code.js'

const { add, run } = createCleanup()
const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)
const FIXTURE = 'replica-with-outside'
const CLIENTS = 10

const stytch = createStytchProject()
let proxy: FrontProxy
let provider: OpenidProvider
let base: Record<string, string>
let database: Record<string, string>
let server: { readonly url: string; readonly resource: string }
const fixed: { readonly token: string; readonly digest: string }[] = []

/** Clients that call at a steady rate, 33 times a second, each with the token that it has at the time. */
function createTraffic() {
  const tokens = fixed.map(({ token }) => token)
  const counts = { calls: 0, writes: 0 }
  const row = { cells: [{ column: 'Task', value: 'Pack the badges' }] }
  const edit = { docId: 'SampleDoc1', tableIdOrName: 'Tasks', rows: [row], keyColumns: ['Task'] }

  async function call(client: number, isWrite: boolean): Promise<void> {
    counts.calls += 1
    if (isWrite) counts.writes += 1
    const response = isWrite
      ? await callTool(server.resource, tokens[client], 'coda_upsert_rows', edit)
      : await callTool(server.resource, tokens[client], 'coda_whoami')
    const body = await response.text()
    if (response.status === 200 && body.includes('structuredContent')) return
    failures.push(`client ${client}: ${response.status} ${body.slice(0, 300)}`)
  }
  const { failures, stop } = startSteadyTraffic(30, (tick) => call(tick % CLIENTS, tick % 5 === 0))
  return {
    tokens,
    failures,
    counts,
    /** Resolves after every client has called some times more. */
    async settle() {
      const until = counts.calls + CLIENTS * 6
      await expect.poll(() => counts.calls, { timeout: 30_000 }).toBeGreaterThan(until)
    },
    stop,
  }
}

beforeAll(async () => {
  if (engine === undefined) return
  await buildReplica(FIXTURE)
  const made = await engine.createDatabase()
  add({ close: async () => made.drop() })
  database = {
    DATABASE_URL: made.connectionString ?? '',
    MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
  }
  provider = add(await startOpenidProvider())
  proxy = add(await startFrontProxy())
  const { port } = new URL(proxy.origin)
  server = { url: `http://localhost:${port}`, resource: `http://localhost:${port}/mcp` }
  for (let count = 0; count < CLIENTS; count++) fixed.push(await generateBearerToken())

  const app = express()
  app.use(express.json(), createCodaStandIn({ settleMs: 10 }).router)
  const coda = add(await listen(app))
  const project = add(
    await listen((request, response) => {
      const page = stytch.pages[`https://${stytch.domain}${request.url}`]
      if (page === undefined) {
        response.writeHead(404).end()
        return
      }
      page().then(
        (text) => response.setHeader('content-type', 'application/json').end(text),
        () => response.destroy(),
      )
    }),
  )
  const folder = add(createDataFolder())
  base = {
    PUBLIC_URL: server.url,
    DATA_DIR: folder.path,
    // Three seconds for the proxy to follow, also on a busy machine.
    DRAIN_SECONDS: '15',
    ...unwatched,
    LOG_LEVEL: 'warn',
    CODA_API_TOKEN: 'canary-coda',
    CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
    TEST_OUTSIDE: JSON.stringify({ [`https://${stytch.domain}`]: project.origin }),
  }
}, 120_000)
afterAll(run)

describe.skipIf(engine === undefined)(
  'from local Bearer to Stytch to the embedded server, two replicas restarted one by one',
  () => {
    it('fails no request of an allowed client, and ends what was left behind', async () => {
      const bearer = {
        MCP_BEARER_TOKENS: fixed
          .map(({ digest }, client) => `client-${client}:${digest}:coda.write`)
          .join(','),
      }
      // Whom the embedded server lets in; beside it, members of this organisation come in by Stytch.
      const embedded = {
        OAUTH_PROVIDER: 'oidc',
        OAUTH_ISSUER: provider.issuer,
        OAUTH_CLIENT_ID: CLIENT_ID,
        OAUTH_CLIENT_SECRET: CLIENT_SECRET,
        ALLOWED_DOMAINS: 'example.com',
        ALLOWED_TENANTS: 'organization-test-ann',
        ...database,
      }
      const replicas: Replica[] = []
      const outputs: string[] = []
      const exits: (number | null)[] = []

      async function start(env: Record<string, string>): Promise<void> {
        const replica = await startReplica({ ...base, ...env }, FIXTURE)
        replicas.push(replica)
        proxy.add(replica)
      }
      /** As an orchestrator does it: the new one comes up, the old one gets SIGTERM and drains. */
      async function roll(env: Record<string, string>): Promise<void> {
        for (const old of replicas.splice(0)) {
          await start(env)
          const exit = old.kill('SIGTERM')
          await proxy.left(old)
          exits.push(await exit)
          proxy.remove(old)
          outputs.push(old.output)
        }
      }
      const providers = async (): Promise<unknown> =>
        (await (await fetch(`${server.url}/health`)).json()).auth.providers
      const status = async (token: string): Promise<number> =>
        (await post(server.resource, 'tools/list', { token })).status

      await start(bearer)
      await start(bearer)
      const traffic = createTraffic()
      try {
        await traffic.settle()

        // Both on; then each client in turn gets a token of Stytch.
        await roll({ ...bearer, ...stytch.env })
        expect(await providers()).toEqual(['stytch', 'local-bearer'])
        for (let client = 0; client < CLIENTS; client++) {
          const sub = `member-test-${client}`
          traffic.tokens[client] = await stytch.token({ sub })
        }
        await traffic.settle()
        // Nobody uses the fixed tokens any more.
        await roll(stytch.env)
        expect(await providers()).toEqual(['stytch'])
        await traffic.settle()
        expect(await status(fixed[0]?.token ?? '')).toBe(401)

        // Both on; then each client in turn signs in here.
        await roll({ ...stytch.env, ...embedded })
        expect(await providers()).toEqual(['authorization-server', 'stytch'])
        const left = traffic.tokens[0] ?? ''
        for (let client = 0; client < CLIENTS; client++) {
          const email = `client-${client}@example.com`
          const atProvider = (page: URL): URL => {
            provider.claims = { sub: email, email, email_verified: true }
            return provider.authorize(page)
          }
          const scope = 'coda.read coda.write'
          const issued = await tokenByCode(server, { atProvider }, scope)
          traffic.tokens[client] = issued.access_token
        }
        await traffic.settle()
        await roll(embedded)
        expect(await providers()).toEqual(['authorization-server'])
        await traffic.settle()
        expect(await status(left)).toBe(401)
        // A client that missed it all is sent where people sign in now.
        const challenge = challengeOf(await post(server.resource, 'initialize'))
        const metadata = await fetch(challenge.resource_metadata ?? '')
        expect(await metadata.json()).toMatchObject({ authorization_servers: [server.url] })
      } finally {
        await traffic.stop()
        for (const replica of replicas) {
          exits.push(await replica.kill('SIGTERM'))
          outputs.push(replica.output)
        }
      }

      expect(traffic.failures).toEqual([])
      expect(traffic.counts.calls).toBeGreaterThan(500)
      expect(traffic.counts.writes).toBeGreaterThan(100)
      expect(exits).toEqual(exits.map(() => 0))
      expect(outputs.join('')).not.toContain('canary')
    }, 240_000)
  },
)
