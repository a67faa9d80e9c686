import { Agent, request as send } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Cluster,
  serverEngines,
} from '../../../packages/store-postgres/test/support/engines.js'
import { recordFigure } from '../../../test/security/support/figures.js'
import { createCodaStandIn, standInPath } from '../src/stand-in/coda-stand-in.js'
import { type FrontProxy, startFrontProxy } from './support/front-proxy.js'
import { heapOfCompose } from './support/heap-of-compose.js'
import { listen } from './support/listen.js'
import { buildReplica, type Replica, startReplica } from './support/replica.js'
import { residentBytes } from './support/resident-bytes.js'
import { createCleanup } from './support/test-server.js'

// Nightly: LOAD_CLIENTS=200 LOAD_SECONDS=60.
const CLIENTS = Number(process.env.LOAD_CLIENTS ?? 40)
const SECONDS = Number(process.env.LOAD_SECONDS ?? 12)
/** Calls before anything is measured: until then code is compiled and the heaps grow. */
const WARM_UP_CALLS = 4_000
const WARM_UP_MILLISECONDS = 60_000
const LATE = 5
const AUDIENCE = 'coda-mcp'
/** Largest growth of the memory of a replica from the second to the last quarter of the load. */
const GROWTH = 1.15
const RETURN_MILLISECONDS = 5_000

const engine = serverEngines().find(({ skip }) => skip === undefined)
const { add, run } = createCleanup()
let cluster: Cluster
let issuer: TestIssuer
let proxy: FrontProxy
let env: Record<string, string>
const tokens: string[] = []
/** Callers who come while the database is away. */
const late: string[] = []
const replicas: Replica[] = []

/** One answer, or the failure of the connection. */
interface Outcome {
  readonly at: number
  readonly milliseconds: number
  /** 0 without an answer. */
  readonly status: number
  readonly retryAfter: string | undefined
  readonly isError: boolean
  /** What an answer said that was not good. */
  readonly text: string
}

const agent = new Agent({ keepAlive: true })
const BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'coda_whoami', arguments: {} },
})

function call(token: string): Promise<Outcome> {
  const at = performance.now()
  return new Promise((resolve) => {
    const done = (status: number, text = '', retryAfter?: string) =>
      resolve({
        at,
        milliseconds: performance.now() - at,
        status,
        retryAfter,
        isError: text.includes('"isError":true'),
        text: text.slice(0, 200),
      })
    const sent = send(
      `${proxy.origin}/mcp`,
      {
        agent,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(BODY),
          accept: 'application/json, text/event-stream',
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () =>
          done(response.statusCode ?? 0, text, response.headers['retry-after']),
        )
        response.on('error', () => done(0, 'no answer'))
      },
    )
    sent.on('error', (error) => done(0, error.message))
    sent.end(BODY)
  })
}

/** Every client calls again as soon as it is answered, until told to stop. */
function startLoad() {
  const outcomes: Outcome[] = []
  let isOver = false
  const clients = tokens.map(async (token) => {
    while (!isOver) outcomes.push(await call(token))
  })
  return {
    outcomes,
    async stop() {
      isOver = true
      await Promise.all(clients)
    },
  }
}

const isGood = ({ status, isError }: Outcome): boolean => status === 200 && !isError

/** What went wrong, each kind once. */
const failuresOf = (outcomes: readonly Outcome[]): readonly string[] => [
  ...new Set(
    outcomes
      .filter((outcome) => !isGood(outcome))
      .map(({ status, text, retryAfter }) => `${status} ${retryAfter ?? ''} ${text}`),
  ),
]

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

async function startServing(): Promise<Replica> {
  const replica = await startReplica(env)
  replicas.push(replica)
  proxy.add(replica)
  return replica
}

beforeAll(async () => {
  if (engine === undefined) return
  await buildReplica()
  cluster = await engine.startCluster()
  add({ close: () => cluster.remove() })
  issuer = createTestIssuer({ algorithm: 'ES256', audience: AUDIENCE, scopes: ['coda.read'] })
  await issuer.listen()
  add(issuer)
  proxy = add(await startFrontProxy())
  const app = express()
  app.use(express.json(), createCodaStandIn({ settleMs: 10 }).router)
  const coda = add(await listen(app))
  const encryptionKeys = generateEncryptionKey()
  const connectionString = cluster.connectionString()
  env = {
    CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
    CODA_CREDENTIALS: 'user',
    OIDC_ISSUER: issuer.issuer,
    OIDC_AUDIENCE: AUDIENCE,
    TOKEN_STORE: 'postgres',
    DATABASE_URL: connectionString,
    MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys,
    DRAIN_SECONDS: '10',
    // As it is deployed: without it the heap grows for as long as the machine has memory.
    NODE_OPTIONS: heapOfCompose(),
  }
  const store = postgresTokenStore({ connectionString, encryptionKeys })
  for (let index = 0; index < CLIENTS + LATE; index++) {
    const subject = `client-${index}`
    const list = index < CLIENTS ? tokens : late
    list.push(await issuer.token({ sub: subject }))
    const owner = { kind: 'user', issuer: issuer.issuer, subject } as const
    await store.set({ provider: 'coda', owner }, { kind: 'api-key', secret: `canary-${index}` })
  }
  await store.close()
  await startServing()
  await startServing()
}, 180_000)
afterAll(async () => {
  agent.destroy()
  for (const replica of replicas) await replica.kill('SIGKILL')
  await run()
}, 60_000)

describe.skipIf(engine === undefined)(`two replicas under the load of ${CLIENTS} clients`, () => {
  it(
    `answers everything for ${SECONDS} s, and its memory stays as it is`,
    async () => {
      const load = startLoad()
      await expect
        .poll(() => load.outcomes.length, { timeout: WARM_UP_MILLISECONDS, interval: 100 })
        .toBeGreaterThan(WARM_UP_CALLS)
      const warm = performance.now()
      const memory = replicas.map((): number[] => [])
      const until = performance.now() + SECONDS * 1000
      while (performance.now() < until) {
        await pause(250)
        for (const [index, { pid }] of replicas.entries()) memory[index]?.push(residentBytes(pid))
      }
      await load.stop()
      const measured = load.outcomes.filter(({ at }) => at > warm)
      const times = measured.map(({ milliseconds }) => milliseconds)
      const growth = memory.map((samples) => {
        const quarter = Math.floor(samples.length / 4)
        return (
          quantile(samples.slice(3 * quarter), 0.5) /
          quantile(samples.slice(quarter, 2 * quarter), 0.5)
        )
      })
      process.stderr.write(
        `[load] ${CLIENTS} clients, ${SECONDS} s: ${times.length} calls, p50 ${quantile(times, 0.5).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms, memory ${memory.map((samples) => `${Math.round((samples.at(-1) ?? 0) / 1e6)} MB`).join(' and ')}, grown by ${growth.map((each) => each.toFixed(2)).join(' and ')}\n`,
      )
      expect(failuresOf(load.outcomes)).toEqual([])
      expect(times.length).toBeGreaterThan(CLIENTS * 5)
      for (const each of growth) expect(each).toBeLessThan(GROWTH)
    },
    SECONDS * 1_000 + WARM_UP_MILLISECONDS + 60_000,
  )

  it('loses no request when a replica is told to end', async () => {
    const load = startLoad()
    await pause(1_000)
    const [leaving] = replicas.splice(0, 1)
    if (leaving === undefined) throw new Error('no replica')
    await leaving.kill('SIGTERM')
    proxy.remove(leaving)
    await pause(500)
    await load.stop()
    await startServing()
    expect(failuresOf(load.outcomes)).toEqual([])
    recordFigure({
      id: 'R9',
      part: 'load',
      values: { 'requests during a drain': load.outcomes.length, 'requests lost in a drain': 0 },
      isMet: true,
      method:
        'One of two replicas behind a proxy gets SIGTERM while clients call tools without a pause.',
    })
  }, 60_000)

  it('loses at most what a replica was working on when it is killed', async () => {
    const load = startLoad()
    await pause(1_000)
    const [killed] = replicas.splice(0, 1)
    if (killed === undefined) throw new Error('no replica')
    await killed.kill('SIGKILL')
    const gone = performance.now()
    await pause(1_000)
    await load.stop()
    proxy.remove(killed)
    await startServing()
    const lost = load.outcomes.filter((outcome) => !isGood(outcome))
    // The proxy had sent it before the connection broke; whatever came later went to the other replica.
    for (const { text, at } of lost) {
      expect(text).toMatch(/^(?:read ECONNRESET|socket hang up) on /)
      expect(at).toBeLessThan(gone)
    }
    expect(lost.length).toBeLessThanOrEqual(CLIENTS)
    const after = load.outcomes.filter(({ at }) => at > gone)
    expect(after.length).toBeGreaterThan(CLIENTS / 2)
  }, 60_000)

  it('serves who is known while PostgreSQL restarts, says 503 to others, and recovers within 5 s', async () => {
    const load = startLoad()
    await pause(1_000)
    await cluster.stop()
    // Nobody has read what is stored for these.
    const newcomers = await Promise.all(late.map(call))
    await cluster.start()
    const back = performance.now()
    await pause(RETURN_MILLISECONDS)
    const served = await Promise.all(late.map(call))
    await load.stop()
    const isRefusal = ({ status, retryAfter }: Outcome) =>
      status === 503 && retryAfter !== undefined
    expect(newcomers.filter((outcome) => !isRefusal(outcome))).toEqual([])
    expect(failuresOf(served)).toEqual([])
    // A call that had passed the guard before says it in its result, which is 200 too.
    const isAnswered = (outcome: Outcome) =>
      isRefusal(outcome) ||
      (outcome.status === 200 && /"code":"store_unavailable"/.test(outcome.text))
    expect(failuresOf(load.outcomes.filter((outcome) => !isAnswered(outcome)))).toEqual([])
    const afterwards = load.outcomes.filter(({ at }) => at > back + RETURN_MILLISECONDS - 1_000)
    expect(failuresOf(afterwards)).toEqual([])
    expect(afterwards.length).toBeGreaterThan(0)
  }, 60_000)
})
