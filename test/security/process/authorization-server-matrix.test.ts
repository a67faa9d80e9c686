import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type RawResponse,
  sendRaw,
} from '../../../packages/mcp-auth-middleware/test/black-box/raw-http.js'
import {
  type TestDatabase,
  testEngines,
} from '../../../packages/store-postgres/test/support/engines.js'
import { createCanaries } from '../harness/canaries.js'
import { chooseEnvironments, nameOf, variablesOf } from '../harness/node-environments.js'
import { compileProgram, startWatched, type WatchedProgram } from '../harness/watched-program.js'
import { recordFigure } from '../support/figures.js'
import {
  type BadAuthorizationRequest,
  badAuthorizationRequests,
} from './bad-authorization-requests.js'
import { comparable, leaksOf } from './refused-answer.js'

interface Tried {
  readonly bad: BadAuthorizationRequest
  readonly where: string
  readonly answer: string
  readonly problems: readonly string[]
  readonly leaks: readonly string[]
}

// The resource server runs without the variable by day.
const ENVIRONMENTS = chooseEnvironments('development', 'production')

const canaries = createCanaries()
const encryptionKeys = generateEncryptionKey()
canaries.watch('key of the database', encryptionKeys.split(':').at(-1) ?? '')
const requests = badAuthorizationRequests(canaries.mint('what is in every request'))
let programs: readonly WatchedProgram[] = []
let databases: readonly TestDatabase[] = []
let tried: readonly Tried[] = []

/** Section 2.2 of the response contract: JSON errors and pages that must not be kept by anybody. */
function problemsOf({ status, error }: BadAuthorizationRequest, response: RawResponse): string[] {
  const problems: string[] = []
  const check = (is: boolean, what: string) => is || problems.push(what)
  check(response.status === status, `status ${response.status}: ${response.text.slice(0, 200)}`)
  check(/no-store/.test(response.header('cache-control') ?? ''), 'may be cached')
  check(response.header('location') === undefined, 'redirects')
  if (error === undefined) {
    check(/^text\/html/.test(response.header('content-type') ?? ''), 'is no page')
    check(
      /frame-ancestors 'none'/.test(response.header('content-security-policy') ?? ''),
      'can be framed',
    )
  } else {
    check(/^application\/json/.test(response.header('content-type') ?? ''), 'is no JSON')
    check(response.text.includes(`"error":"${error}"`), `says ${response.text}`)
  }
  return problems
}

/** An embedded database in a prepared folder, which a process would take seconds to make. */
async function createEmbeddedDatabase(): Promise<TestDatabase> {
  const engine = testEngines().find(({ kind }) => kind === 'pglite')
  if (engine === undefined) throw new Error('no embedded database')
  return engine.createDatabase()
}

async function tryAll(
  program: WatchedProgram,
  where: string,
  database: TestDatabase | undefined,
): Promise<readonly Tried[]> {
  const job = { ...database?.options, encryptionKeys, email: 'ann@corp.test' }
  const port = await program.ask<number>('start', job)
  const list: Tried[] = []
  for (const bad of requests) {
    const response = await sendRaw(port, { ...bad.request, host: `127.0.0.1:${port}` })
    list.push({
      bad,
      where,
      problems: problemsOf(bad, response),
      // Its own public URL is no secret, and here it is a loopback address.
      leaks: leaksOf(response, [canaries]).filter((leak) => !leak.startsWith('a loopback address')),
      answer: comparable(response)
        .replaceAll(`127.0.0.1:${port}`, 'HOST')
        // Ids of interactions, nonces and the values of cookies are random.
        .replaceAll(/(?=[\w-]*[A-Z0-9])[\w-]{20,}/g, 'RANDOM'),
    })
  }
  return list
}

beforeAll(async () => {
  const file = await compileProgram(new URL('./authorization-server-program.ts', import.meta.url))
  programs = await Promise.all(
    ENVIRONMENTS.map((environment) => startWatched({ file, env: variablesOf(environment) })),
  )
  databases = await Promise.all(ENVIRONMENTS.map(createEmbeddedDatabase))
  const lists = await Promise.all(
    programs.map((program, index) =>
      tryAll(program, nameOf(ENVIRONMENTS[index]), databases[index]),
    ),
  )
  tried = lists.flat()
}, 120_000)
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  await Promise.all(databases.map((database) => database.drop()))
})

describe('the authorization server under every NODE_ENV', () => {
  it('refuses as the response contract says', () => {
    const wrong = tried.filter(({ problems }) => problems.length > 0)
    recordFigure({
      id: 'R1',
      part: 'authorization-server-each-node-env',
      values: { 'bad inputs tried': tried.length, 'wrong outcomes': wrong.length },
      isMet: wrong.length === 0,
      method: 'Each input by raw TCP to a process with NODE_ENV development, production and unset.',
    })
    expect(tried).toHaveLength(requests.length * ENVIRONMENTS.length)
    expect(wrong.map(({ bad, where, problems }) => [bad.name, where, ...problems])).toEqual([])
  })

  it('has the same answer under each of them', () => {
    const differing = requests.flatMap(({ name }) => {
      const answers = new Set(tried.filter(({ bad }) => bad.name === name).map((one) => one.answer))
      return answers.size === 1 ? [] : [[name, ...answers]]
    })
    expect(differing).toEqual([])
  })

  it('P07 gives back and writes nothing of a secret or of the inside', () => {
    const leaks = tried.flatMap(({ bad, where, leaks: each }) =>
      each.map((leak) => `${bad.name}, ${where}: ${leak}`),
    )
    const hits = programs.flatMap(({ output }) => [
      ...canaries.scan('stdout', output.stdout),
      ...canaries.scan('stderr', output.stderr),
    ])
    recordFigure({
      id: 'R13',
      part: 'authorization-server',
      values: { 'answers searched': tried.length, hits: leaks.length + hits.length },
      isMet: leaks.length + hits.length === 0,
      method:
        'Unique strings in every request and the key, searched in output, headers and bodies.',
    })
    expect([leaks, hits]).toEqual([[], []])
  })

  it('P05 P01 ends with no unhandled error, no warning and no changed prototype', async () => {
    const reports = await Promise.all(programs.map((program) => program.report()))
    const errors = reports.flatMap((report) => report.errors)
    const warnings = reports.flatMap((report) => report.warnings)
    recordFigure({
      id: 'R16',
      part: 'authorization-server',
      values: { 'unhandled errors': errors.length, 'process warnings': warnings.length },
      isMet: errors.length + warnings.length === 0,
      method: 'uncaughtExceptionMonitor and warnings of each process.',
    })
    expect([errors, warnings]).toEqual([[], []])
    expect(reports.flatMap((report) => report.changedIntrinsics)).toEqual([])
    expect(reports.map(({ nodeEnv }) => nodeEnv)).toEqual(
      ENVIRONMENTS.map((environment) => environment ?? null),
    )
  })
})
