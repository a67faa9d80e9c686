import { readFileSync } from 'node:fs'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import express, { type Request, type Response } from 'express'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type Cluster,
  serverEngines,
} from '../../../packages/store-postgres/test/support/engines.js'
import { recordFigure } from '../../../test/security/support/figures.js'
import { createCodaStandIn, standInPath } from '../src/stand-in/coda-stand-in.js'
import { heapOfCompose } from './support/heap-of-compose.js'
import { callTool } from './support/http-calls.js'
import { listen } from './support/listen.js'
import { buildReplica, type Replica, startReplica } from './support/replica.js'
import { residentBytes } from './support/resident-bytes.js'
import { signIn } from './support/sign-in.js'
import { createCleanup } from './support/test-server.js'

// What README.md says of a machine with 1 GB: MEMORY_SIGN_INS=200 MEMORY_CALLS=10000.
const SIGN_INS = Number(process.env.MEMORY_SIGN_INS ?? 20)
const CALLS = Number(process.env.MEMORY_CALLS ?? 1000)
/** Of a machine with 1 GB, in MiB. The manifests allow more. */
const LIMIT = 384
const MIB = 1024 ** 2

const engine = serverEngines().find(({ skip }) => skip === undefined)
const { add, run } = createCleanup()
const people = Array.from({ length: SIGN_INS }, (_, index) => `person-${index}`)
let cluster: Cluster
let server: Replica
let resource: string
/** The address that the next requests seem to come from: limits of sign-ins are by address. */
let address = '203.0.113.1'

/** Memory of PostgreSQL, where pages that several processes share count once. */
async function databaseMemory(): Promise<number> {
  const client = new pg.Client(cluster.connectionString())
  await client.connect()
  const { rows } = await client.query<{ data_directory: string }>('show data_directory')
  await client.end()
  const [main] = readFileSync(`${rows[0]?.data_directory}/postmaster.pid`, 'utf8').split('\n')
  const children = readFileSync(`/proc/${main}/task/${main}/children`, 'utf8').trim().split(' ')
  let sum = 0
  for (const pid of [main, ...children]) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      sum += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024
    } catch {
      // It has ended meanwhile, as the connection that asked for the folder has.
    }
  }
  return sum
}

async function report(when: string): Promise<number> {
  const size = residentBytes(server.pid) / MIB
  const database = (await databaseMemory()).toFixed(0)
  process.stderr.write(
    `[memory] ${when}: server ${size.toFixed(0)} MiB, PostgreSQL ${database} MiB\n`,
  )
  return size
}

beforeAll(async () => {
  if (engine === undefined) return
  await buildReplica()
  // As in deploy/compose.yaml.
  cluster = await engine.startCluster({
    settings: { shared_buffers: '64MB', max_connections: '40' },
  })
  add({ close: () => cluster.remove() })
  const app = express()
  app.get(`${standInPath}/whoami`, (request: Request, response: Response) => {
    const name = request.headers.authorization?.replace('Bearer ', '') ?? ''
    response.json({
      name,
      loginId: `${name}@example.com`,
      type: 'user',
      scoped: false,
      tokenName: 'MCP',
      href: 'https://coda.io/apis/v1/whoami',
      workspace: {
        id: 'ws-1',
        type: 'workspace',
        browserLink: 'https://coda.io/docs?workspaceId=ws-1',
      },
    })
  })
  app.use(express.json(), createCodaStandIn({ settleMs: 10 }).router)
  const coda = add(await listen(app))
  server = await startReplica({
    NODE_OPTIONS: heapOfCompose(),
    TRUST_PROXY: '1',
    CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
    CODA_CREDENTIALS: 'user',
    ALLOWED_EMAILS: people.map((name) => `${name}@example.com`).join(','),
    TOKEN_STORE: 'postgres',
    DATABASE_URL: cluster.connectionString(),
    MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
  })
  add({ close: async () => void (await server.kill('SIGTERM')) })
  resource = `${server.url.replace('127.0.0.1', 'localhost')}/mcp`
  const real = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}))
    headers.set('x-forwarded-for', address)
    return real(input, { ...init, headers })
  })
}, 120_000)
afterAll(async () => {
  vi.restoreAllMocks()
  await run()
})

describe.skipIf(engine === undefined)('memory of a server with PostgreSQL', () => {
  it('leaves room on a machine with 1 GB through sign-ins and tool calls', async () => {
    const tokens: string[] = []
    const sizes = [await report('after the start')]
    for (const [index, name] of people.entries()) {
      address = `203.0.113.${1 + (index % 250)}`
      const { client, memory } = await signIn(resource, 'v1', { codaToken: name })
      tokens.push(String(memory.currentTokens()?.access_token))
      await client.close()
    }
    sizes.push(await report(`after ${SIGN_INS} sign-ins`))
    let left = CALLS
    const callers = Array.from({ length: 20 }, async () => {
      while (left > 0) {
        left -= 1
        const response = await callTool(resource, tokens[left % tokens.length], 'coda_whoami')
        const text = await response.text()
        if (response.status !== 200 || text.includes('"isError":true')) throw new Error(text)
      }
    })
    await Promise.all(callers)
    sizes.push(await report(`after ${CALLS} tool calls of ${SIGN_INS} people`))
    recordFigure({
      id: 'R14',
      part: 'example-server',
      values: { 'resident memory of the example (MiB)': Math.round(Math.max(...sizes)) },
      isMet: Math.max(...sizes) < LIMIT,
      method: `Sign-ins and tool calls against one process with PostgreSQL; the limit is ${LIMIT} MiB.`,
    })
    expect(Math.max(...sizes)).toBeLessThan(LIMIT)
  }, 900_000)
})
