import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { CredentialKey } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { envVariableFor } from '@bestviable/mcp-auth-store-env'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type FakeInfisical,
  startFakeInfisical,
} from '../../../packages/store-infisical/test/fake-infisical/index.js'
import { testEngines } from '../../../packages/store-postgres/test/support/engines.js'
import { createCodaStandIn, standInPath } from '../src/stand-in/coda-stand-in.js'
import { listen } from './support/listen.js'
import { buildReplica, type Replica, startReplica } from './support/replica.js'
import { startSteadyTraffic } from './support/steady-traffic.js'
import { createCleanup } from './support/test-server.js'

const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)
const cli = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url))
const { add, run } = createCleanup()
const audience = 'coda-mcp'
const READERS = 15
const WRITERS = 10

let issuer: TestIssuer
let infisical: FakeInfisical
let connectionString: string
let base: Record<string, string>
const keys: CredentialKey[] = []
const tokens: string[] = []
/** What is stored for each user, by the last write that was acknowledged. */
const expected: (string | undefined)[] = []

/** Runs the command line tool with the variables of the server and returns what it printed. */
async function mcpAuth(...parameters: string[]): Promise<string> {
  const options = { env: { PATH: process.env.PATH, ...base } }
  const run = promisify(execFile)(process.execPath, [cli, ...parameters], options)
  const { stdout } = await run.catch((error: Error & { stdout?: string }) => {
    throw new Error(`${error.message}${error.stdout}`)
  })
  return stdout
}

/** Sends 100 requests a second to the replicas that are in service, a fifth of them writes. */
function createTraffic(replicas: Set<Replica>) {
  const busy = new Set<number>()
  const counts = { calls: 0, writes: 0 }
  let canWrite = false

  async function call(replica: Replica, user: number): Promise<void> {
    counts.calls++
    const response = await replica.call(tokens[user] ?? '')
    const body = await response.text()
    const refused = response.status !== 200 || body.includes('"isError":true')
    // A user whose token was deleted is told to connect; that is the right answer.
    if (refused && user % WRITERS !== 9) {
      failures.push(`user ${user}: ${response.status} ${body.slice(0, 300)}`)
    }
  }

  async function write(replica: Replica, user: number, tick: number): Promise<void> {
    const key = keys[user]
    if (key === undefined || busy.has(user)) return
    busy.add(user)
    counts.writes++
    // One user disconnects now and then.
    const secret =
      user === 9 && Math.floor(tick / 50) % 2 === 0 ? undefined : `canary-${user}-${tick}`
    try {
      await replica.write(key, secret)
      expected[user] = secret
    } finally {
      busy.delete(user)
    }
  }

  const { failures, stop } = startSteadyTraffic(10, async (tick) => {
    const replica = [...replicas][tick % replicas.size]
    if (replica === undefined) throw new Error('no replica is in service')
    const isWrite = canWrite && tick % 5 === 0
    const user = isWrite ? (tick / 5) % WRITERS : tick % (WRITERS + READERS)
    await (isWrite ? write(replica, user, tick) : call(replica, user))
  })

  return {
    failures,
    counts,
    /** From now on credentials are written too, or no longer. */
    writes(on: boolean) {
      canWrite = on
    },
    stop,
  }
}

beforeAll(async () => {
  await buildReplica()
  issuer = createTestIssuer({ algorithm: 'ES256', audience, scopes: ['coda.read', 'coda.write'] })
  await issuer.listen()
  add(issuer)
  infisical = add(await startFakeInfisical())
  const database = await engine?.createDatabase()
  add({ close: async () => database?.drop() })
  connectionString = database?.connectionString ?? ''
  const app = express()
  app.use(express.json(), createCodaStandIn({ settleMs: 10 }).router)
  const coda = add(await listen(app))
  base = {
    CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
    CODA_CREDENTIALS: 'user',
    OIDC_ISSUER: issuer.issuer,
    OIDC_AUDIENCE: audience,
    DATABASE_URL: connectionString,
    MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
    INFISICAL_SITE_URL: infisical.siteUrl,
    INFISICAL_CLIENT_ID: infisical.clientId,
    INFISICAL_CLIENT_SECRET: infisical.clientSecret,
    INFISICAL_PROJECT_ID: infisical.projectId,
    DATA_DIR: dataDir,
  }
  for (let user = 0; user < WRITERS + READERS; user++) {
    const subject = `user-${user}`
    const owner = { kind: 'user', issuer: issuer.issuer, subject } as const
    const key: CredentialKey = { provider: 'coda', owner }
    keys.push(key)
    tokens.push(await issuer.token({ sub: subject }))
    expected.push(`canary-${user}-env`)
    base[(await envVariableFor(key)) ?? ''] = `canary-${user}-env`
  }
}, 120_000)
const dataDir = mkdtempSync(join(tmpdir(), 'rolling-'))
afterAll(async () => {
  await run()
  rmSync(dataDir, { recursive: true, force: true })
})

describe.skipIf(engine === undefined)(
  'Phase 1 to 2 to 3 and back to 2, two replicas restarted one by one under traffic',
  () => {
    it('fails no request, keeps every digest, and the last acknowledged write wins', async () => {
      const replicas = new Set<Replica>()
      const outputs: string[] = []
      let mode: Record<string, string> = { TOKEN_STORE: 'env' }
      for (let count = 0; count < 2; count++) replicas.add(await startReplica({ ...base, ...mode }))
      const traffic = createTraffic(replicas)

      async function restart(next: Record<string, string>): Promise<void> {
        mode = next
        for (const replica of [...replicas]) {
          replicas.delete(replica)
          await replica.stop()
          outputs.push(replica.output)
          replicas.add(await startReplica({ ...base, ...mode }))
        }
      }
      async function settle(): Promise<void> {
        const { calls } = traffic.counts
        await expect
          .poll(() => traffic.counts.calls, { timeout: 20_000 })
          .toBeGreaterThan(calls + 80)
      }

      const names = join(dataDir, 'names.json')
      const users = keys.map(({ provider, owner }) => ({ provider, ...owner }))
      writeFileSync(names, JSON.stringify({ users: users.map(({ kind: _, ...user }) => user) }))
      try {
        await settle()
        // Phase 1 -> 2. The owners of the users' variables are named in a file for the command.
        await mcpAuth('migrate', '--from', 'env', '--to', 'postgres', '--env-names', names)
        await restart({
          TOKEN_STORE: 'postgres',
          TOKEN_STORE_FROM: 'env',
          TOKEN_STORE_MODE: 'read-new',
        })
        traffic.writes(true)
        await settle()
        await restart({ TOKEN_STORE: 'postgres' })
        await settle()

        // Phase 2 -> 3.
        const there = { TOKEN_STORE: 'infisical', TOKEN_STORE_FROM: 'postgres' }
        await restart({ ...there, TOKEN_STORE_MODE: 'dual-write' })
        await mcpAuth('migrate', '--from', 'postgres', '--to', 'infisical')
        await settle()
        await restart({ ...there, TOKEN_STORE_MODE: 'read-new' })
        await settle()
        await mcpAuth('migrate', '--from', 'postgres', '--to', 'infisical', '--finish', '--yes')
        await restart({ TOKEN_STORE: 'infisical' })
        await settle()

        // And back to 2.
        const back = { TOKEN_STORE: 'postgres', TOKEN_STORE_FROM: 'infisical' }
        await restart({ ...back, TOKEN_STORE_MODE: 'dual-write' })
        await mcpAuth('migrate', '--from', 'infisical', '--to', 'postgres')
        await settle()
        await restart({ ...back, TOKEN_STORE_MODE: 'read-new' })
        await settle()
        await mcpAuth('migrate', '--from', 'infisical', '--to', 'postgres', '--finish', '--yes')
        await restart({ TOKEN_STORE: 'postgres' })
        await settle()
      } finally {
        await traffic.stop()
        for (const replica of replicas) {
          await replica.stop()
          outputs.push(replica.output)
        }
      }

      expect(traffic.failures).toEqual([])
      expect(traffic.counts.writes).toBeGreaterThan(100)
      const store = postgresTokenStore({
        connectionString,
        encryptionKeys: base.MCP_AUTH_ENCRYPTION_KEYS ?? '',
      })
      try {
        for (const [user, key] of keys.entries()) {
          expect((await store.get(key))?.secret, `user ${user}`).toBe(expected[user])
        }
      } finally {
        await store.close()
      }
      const old = infisicalTokenStore({
        siteUrl: infisical.siteUrl,
        projectId: infisical.projectId,
        environment: 'prod',
        auth: {
          method: 'universal',
          clientId: infisical.clientId,
          clientSecret: infisical.clientSecret,
        },
      })
      try {
        for await (const key of old.keys()) throw new Error(`left behind: ${JSON.stringify(key)}`)
      } finally {
        await old.close()
      }
      expect(outputs.join('')).not.toContain('canary')
    }, 300_000)
  },
)
