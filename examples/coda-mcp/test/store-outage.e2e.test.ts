import { setTimeout as pause } from 'node:timers/promises'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Cluster,
  serverEngines,
} from '../../../packages/store-postgres/test/support/engines.js'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { createCodaStandIn, standInPath } from '../src/stand-in/coda-stand-in.js'
import { spawnServer } from './support/child-server.js'
import { findFreePort } from './support/free-port.js'
import { callTool, post } from './support/http-calls.js'
import { type Listening, listen } from './support/listen.js'
import { createCleanup, startTestServer } from './support/test-server.js'

const { add, run } = createCleanup()
const engine = serverEngines().find(({ skip }) => skip === undefined)
const keys = generateEncryptionKey()
const OUTAGE_MILLISECONDS = 30_000
let cluster: Cluster
let coda: Listening
let bearer: Awaited<ReturnType<typeof generateBearerToken>>
let env: Record<string, string>

// One server for all tests; each leaves it as it likes.
let isRunning = true

beforeAll(async () => {
  if (engine === undefined) return
  cluster = await engine.startCluster()
  bearer = await generateBearerToken()
  const app = express()
  app.use(express.json(), createCodaStandIn({ settleMs: 10 }).router)
  coda = await listen(app)
  env = {
    CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
    MCP_BEARER_TOKENS: `laptop:${bearer.digest}:coda.read+coda.write`,
    TOKEN_STORE: 'postgres',
    DATABASE_URL: cluster.connectionString(),
    MCP_AUTH_ENCRYPTION_KEYS: keys,
    STORE_OUTAGE_SECONDS: '0',
  }
  const store = postgresTokenStore({
    connectionString: cluster.connectionString(),
    encryptionKeys: keys,
  })
  await store.set(
    { provider: 'coda', owner: { kind: 'service' } },
    { kind: 'api-key', secret: 'canary-coda-service' },
  )
  await store.close()
}, 60_000)
afterAll(async () => {
  await cluster?.stop()
  await coda?.close()
})
beforeEach(async () => {
  if (!isRunning) await cluster.start()
  isRunning = true
})
afterEach(run)

const whoami = (resource: string) => callTool(resource, bearer.token, 'coda_whoami')

describe.skipIf(engine === undefined)('a server whose store is PostgreSQL', () => {
  // F01, X32: an outage is 503 where the guard resolves the credential, never a prompt to log in.
  it('F01 answers 503 with Retry-After during 30 s of outage, and works within 5 s of its end', async () => {
    const server = add(await startTestServer(env))
    const { port } = cluster
    isRunning = false
    await cluster.kill()

    const began = Date.now()
    const refused = await whoami(server.resource)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(refused.headers.get('www-authenticate')).toBeNull()
    expect(await refused.text()).not.toMatch(/connect|127\.0\.0\.1|postgres/i)
    expect(Date.now() - began).toBeLessThan(4000)
    const health = await (await fetch(`${server.url}/health`)).json()
    expect(health).toMatchObject({ status: 'degraded', store: { status: 'unavailable' } })
    // A list of tools needs no credential.
    const list = await post(server.resource, 'tools/list', { token: bearer.token })
    expect(list.status).toBe(200)
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
    while (Date.now() - began < OUTAGE_MILLISECONDS) {
      const asked = Date.now()
      expect((await whoami(server.resource)).status).toBe(503)
      expect(Date.now() - asked).toBeLessThan(4000)
      await pause(isLongForm ? 500 : 2_000)
    }

    await cluster.start()
    isRunning = true
    expect(cluster.port).toBe(port)
    const back = Date.now()
    await expect
      .poll(async () => (await whoami(server.resource)).status, { timeout: 20_000, interval: 200 })
      .toBe(200)
    expect(Date.now() - back).toBeLessThan(5000)
    expect(server.log.join('\n')).not.toContain('canary')
  }, 120_000)

  it('F01 goes on with what it read before, for STORE_OUTAGE_SECONDS', async () => {
    const earlier = cluster.log().length
    const server = add(await startTestServer({ ...env, STORE_OUTAGE_SECONDS: '600' }))
    expect((await whoami(server.resource)).status).toBe(200)
    // What was read before the server heard of changes is read once more.
    await expect.poll(() => cluster.log().slice(earlier), { timeout: 20_000 }).toMatch(/LISTEN /i)
    await pause(500)
    expect((await whoami(server.resource)).status).toBe(200)
    isRunning = false
    await cluster.kill()
    for (let call = 0; call < 20; call++) {
      expect((await whoami(server.resource)).status).toBe(200)
    }
  }, 60_000)

  it('F10 starts without its database, is not ready, and becomes ready alone', async () => {
    isRunning = false
    await cluster.stop()
    const server = add(await startTestServer(env))
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    expect((await whoami(server.resource)).status).toBe(503)
    await cluster.start()
    isRunning = true
    await expect
      .poll(async () => (await fetch(`${server.url}/health/ready`)).status, { timeout: 20_000 })
      .toBe(200)
    await expect
      .poll(async () => (await whoami(server.resource)).status, { timeout: 10_000 })
      .toBe(200)
  }, 60_000)

  it('X09 ends at the start with another key, naming the variable and no key', async () => {
    const other = generateEncryptionKey()
    const child = spawnServer({
      ...env,
      PORT: String(await findFreePort()),
      MCP_AUTH_ENCRYPTION_KEYS: other,
    })
    const { code } = await child.ended
    expect(code).toBe(1)
    expect(child.stderr).toContain('MCP_AUTH_ENCRYPTION_KEYS')
    for (const key of [keys, other]) expect(child.stderr + child.stdout).not.toContain(key)
  }, 60_000)
})
