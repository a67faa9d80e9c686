import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  assertAccepted,
  assertContract,
  assertRefusedInFront,
  type Exchange,
  probe,
} from '../../../packages/mcp-auth-middleware/test/black-box/contract.js'
import type { Host } from '../../../packages/mcp-auth-middleware/test/black-box/hosts.js'
import {
  openConnection,
  type RawRequest,
} from '../../../packages/mcp-auth-middleware/test/black-box/raw-http.js'
import { chooseEnvironments, nameOf } from '../harness/node-environments.js'
import { recordFigure } from '../support/figures.js'
import { BAD_REQUESTS, type BadRequest } from './bad-requests.js'
import { type MatrixServers, startMatrix } from './matrix-servers.js'
import { createMatrixWorld, type MatrixWorld } from './matrix-world.js'
import { comparable, leaksOf } from './refused-answer.js'
import { MATRIX_HOSTS } from './resource-server-job.js'

// The authorization server runs in development by day.
const ENVIRONMENTS = chooseEnvironments('production', undefined)

/** So often an input is sent whose dependency does not get to answer. */
const ATTEMPTS = 4

/** What one request came to on one host. */
interface Tried {
  readonly where: string
  readonly input: string
  readonly problem: string | undefined
  readonly leaks: readonly string[]
  readonly answer: string
}

let world: MatrixWorld
let matrix: readonly MatrixServers[]
let tried: readonly Tried[] = []
/** Answers of an outage to inputs whose dependency was well, but starved by this machine. */
let starved = 0

function assertOutcome(exchange: Exchange, { outcomes, scope }: BadRequest): void {
  const problems: unknown[] = []
  for (const outcome of outcomes) {
    try {
      if (outcome === 'FRONT') assertRefusedInFront(exchange)
      else if (outcome === 'CODING') expect(exchange.response.status).toBe(400)
      else assertContract(exchange, outcome, scope === undefined ? {} : { scope })
      return
    } catch (error) {
      problems.push(error)
    }
  }
  throw problems[0]
}

/** A request that is the same everywhere, so that answers can be compared. */
interface Prepared {
  readonly bad: BadRequest
  readonly request: RawRequest | string
}

/**
 * Whether a token could not be judged since a good dependency, which is in this process, had no CPU to
 * answer in time. The server has to say so like any other outage.
 */
function isStarved({ outcomes }: BadRequest, exchange: Exchange): boolean {
  const [event] = exchange.events
  if (outcomes.includes('DEP') || exchange.response.status !== 503) return false
  if (!/^(?:introspection_)?timeout$/.test(event?.reason ?? '')) return false
  assertContract(exchange, 'DEP')
  return true
}

/** Sends a request, again when the dependency that judges it was starved. */
async function probeJudged(host: Host, { bad, request }: Prepared): Promise<Exchange> {
  for (let attempt = 1; ; attempt += 1) {
    const exchange = await probe(host, request)
    if (attempt === ATTEMPTS || !isStarved(bad, exchange)) return exchange
    starved += 1
    await pause(Number(exchange.response.header('retry-after')) * 1000)
  }
}

async function tryOne(host: Host, where: string, prepared: Prepared): Promise<Tried> {
  const { bad } = prepared
  const input = bad.name
  try {
    const exchange = await probeJudged(host, prepared)
    return {
      where,
      input,
      problem: problemOf(() => assertOutcome(exchange, bad)),
      leaks: leaksOf(exchange.response, [world.secrets, world.claims]),
      answer: comparable(exchange.response),
    }
  } catch (error) {
    return { where, input, problem: `no answer: ${error}`, leaks: [], answer: 'none' }
  }
}

function problemOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** Hosts side by side, each with one request at a time, so that an event belongs to a request. */
async function tryAll(): Promise<readonly Tried[]> {
  const prepared: Prepared[] = []
  for (const bad of BAD_REQUESTS) prepared.push({ bad, request: await bad.request(world) })
  const lists = await Promise.all(
    matrix.flatMap(({ environment, hosts }) =>
      hosts.map(async (host) => {
        const list: Tried[] = []
        for (const each of prepared) {
          list.push(await tryOne(host, `${host.kind}, ${nameOf(environment)}`, each))
        }
        return list
      }),
    ),
  )
  return lists.flat()
}

beforeAll(async () => {
  world = await createMatrixWorld()
  matrix = await startMatrix(world.job, ENVIRONMENTS)
  tried = await tryAll()
}, 240_000)
afterAll(async () => {
  await Promise.all((matrix ?? []).map(({ program }) => program.stop()))
  await world?.close()
})

describe('every rejected input under every NODE_ENV', () => {
  it('was sent to every host in every process', () => {
    expect(matrix.map(({ environment }) => environment)).toEqual([...ENVIRONMENTS])
    expect(tried).toHaveLength(BAD_REQUESTS.length * ENVIRONMENTS.length * MATRIX_HOSTS.length)
    expect(new Set(BAD_REQUESTS.map(({ name }) => name)).size).toBe(BAD_REQUESTS.length)
  })

  it('really ran under that NODE_ENV', async () => {
    for (const { environment, program } of matrix) {
      expect((await program.report()).nodeEnv).toBe(environment ?? null)
    }
  })

  // The nearest accepted neighbour: a server that refuses everything would pass the rest.
  it('accepts the good token and the configured one, everywhere', async () => {
    for (const host of matrix.flatMap(({ hosts }) => hosts)) {
      for (const token of [world.good, world.bearer]) {
        const headers = [
          ['Authorization', `Bearer ${token}`],
          ['Content-Type', 'application/json'],
        ] as const
        const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
        assertAccepted(await probe(host, { headers, body }))
      }
    }
  })

  it('has the outcome of the response contract: status, challenge, headers, body, one event', () => {
    const wrong = tried.filter(({ problem }) => problem !== undefined)
    const values = { 'bad inputs tried': tried.length, 'wrong outcomes': wrong.length }
    recordFigure({
      id: 'R1',
      part: 'each-node-env',
      values: { ...values, 'different inputs': BAD_REQUESTS.length, 'sent again': starved },
      isMet: wrong.length === 0,
      method:
        'Each input by raw TCP to Express 4, Express 5 and Hono in a process with NODE_ENV development, production and unset; the whole response contract is asserted.',
    })
    expect(wrong.map(({ where, input, problem }) => `${input} on ${where}: ${problem}`)).toEqual([])
  })

  // What a server leaves unread of such a message, it would take for the next request.
  it.each(BAD_REQUESTS.filter(({ name }) => name.startsWith('P12')))(
    '$name is answered once by 400, and its connection is closed',
    async ({ request }) => {
      const bytes = await request(world)
      if (typeof bytes !== 'string') throw new TypeError('not a request byte for byte')
      const hidden = `GET /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer ${world.good}\r\n\r\n`
      for (const host of matrix.flatMap(({ hosts }) => hosts)) {
        await host.take()
        const connection = await openConnection(host.port)
        await connection.write(bytes + hidden)
        expect((await connection.read()).status).toBe(400)
        await connection.closed
        await expect(connection.read()).rejects.toThrow('the connection ended')
        expect((await host.take()).calls).toEqual([])
      }
    },
  )

  it('has the same answer, byte for byte, under each of them', () => {
    const answers = new Map<string, Set<string>>()
    for (const { where, input, answer } of tried) {
      const key = `${input} on ${where.split(',')[0]}`
      answers.set(key, (answers.get(key) ?? new Set()).add(answer))
    }
    const differing = [...answers].filter(([, each]) => each.size > 1)
    expect(differing.map(([key, each]) => [key, ...each])).toEqual([])
  })

  it('P07 gives back nothing of a credential, a claim, an error or the machine', () => {
    const leaks = tried.flatMap(({ where, input, leaks: each }) =>
      each.map((leak) => `${input} on ${where}: ${leak}`),
    )
    expect(leaks).toEqual([])
  })

  it('P07 writes no secret to stdout or stderr', () => {
    const hits = matrix.flatMap(({ environment, program }) =>
      (['stdout', 'stderr'] as const).flatMap((stream) =>
        world.secrets.scan(`${stream}, ${nameOf(environment)}`, program.output[stream]),
      ),
    )
    for (const { program } of matrix) {
      // Something was written, and nothing but what the program was told to write.
      expect(program.output.stdout.split('\n').length).toBeGreaterThan(BAD_REQUESTS.length)
      expect(program.output.stderr).toBe('')
    }
    recordFigure({
      id: 'R13',
      part: 'resource-server',
      values: {
        'secrets watched': world.secrets.size + world.claims.size,
        'answers searched': tried.length,
        hits: hits.length + tried.flatMap(({ leaks }) => leaks).length,
      },
      isMet: hits.length === 0 && tried.every(({ leaks }) => leaks.length === 0),
      method:
        'Unique strings in every secret, token, claim and error text, searched plain, reversed, in hex, URL, JSON and base64 in stdout, stderr, headers and bodies.',
    })
    expect(hits).toEqual([])
  })

  it('P05 ends with no unhandled error and no process warning', async () => {
    const reports = await Promise.all(matrix.map(({ program }) => program.report()))
    const errors = reports.flatMap((report) => report.errors)
    const warnings = reports.flatMap((report) => report.warnings)
    recordFigure({
      id: 'R16',
      part: 'resource-server',
      values: {
        'unhandled errors': errors.length,
        'process warnings': warnings.length,
        processes: reports.length,
      },
      isMet: errors.length + warnings.length === 0,
      method: 'uncaughtExceptionMonitor and warnings of each process over the whole matrix.',
    })
    expect([errors, warnings]).toEqual([[], []])
  })

  it('P01 leaves the prototypes of the language as they were', async () => {
    for (const { program } of matrix) {
      expect((await program.report()).changedIntrinsics).toEqual([])
    }
  })

  it('connects only to the issuers and the endpoint that are configured', async () => {
    const known = [
      world.job.jwksUri,
      world.job.introspection.endpoint,
      ...world.job.faulty.map(({ jwksUri }) => jwksUri),
    ].map((url) => `127.0.0.1:${new URL(url).port}`)
    for (const { program } of matrix) {
      const { outbound } = await program.report()
      expect(outbound.filter((address) => !known.includes(address))).toEqual([])
    }
    expect(world.stranger.requests('jwks') + world.issuer.requests('foreign-jwks')).toBe(0)
  })
})
