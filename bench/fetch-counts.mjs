/*
 * How often keys are fetched when tokens name unknown keys and when the issuer is down. Counted with
 * a clock that stands still between requests, so nothing depends on the machine. Ends with 1 when one
 * of our limits is exceeded.
 */
import { createCandidate } from './candidates/index.mjs'
import { createExchange, send } from './lib/exchange.mjs'
import { createFixture, readFixture, withRandomKid } from './lib/fixture.mjs'
import { startKeyServer } from './lib/key-server.mjs'
import { isMain, printTable } from './lib/program.mjs'
import { benchVersions, writeResults } from './lib/results.mjs'

const CANDIDATES = {
  ours: 'ours',
  'SDK v1 + jose': 'sdk-v1',
  'SDK v2 + jose': 'sdk-v2',
  'mcp-auth': 'mcp-auth',
  'express-oauth2-jwt-bearer': 'express-oauth2-jwt-bearer',
  'aws-jwt-verify': 'aws-jwt-verify',
}
const CONNECTIONS = 10
const SECOND = 1000

/** Peers take no clock, so the clock of the whole program is ours while a scenario runs. */
async function withClock(run) {
  const realNow = Date.now
  const clock = { now: realNow() }
  Date.now = () => clock.now
  try {
    return await run(clock)
  } finally {
    Date.now = realNow
  }
}

/** Sends waves of concurrent requests, with time passing between them, and counts the answers. */
async function sendWaves({ clock, requests, seconds, request }) {
  const waves = requests / CONNECTIONS
  const answers = {}
  for (let wave = 0; wave < waves; wave += 1) {
    const statuses = await Promise.all(Array.from({ length: CONNECTIONS }, () => request()))
    for (const status of statuses) answers[status] = (answers[status] ?? 0) + 1
    clock.now += (seconds * SECOND) / waves
  }
  return answers
}

/** Runs a scenario with a candidate of its own and a key server that notes the time of each fetch. */
async function withCandidate(name, fixturePath, run) {
  const { jwks, tokens } = readFixture(fixturePath)
  return withClock(async (clock) => {
    const now = () => clock.now
    const keyServer = await startKeyServer(jwks, now)
    try {
      const context = {
        fixturePath,
        jwksUri: keyServer.jwksUri,
        cache: false,
        now,
        onEvent: () => {},
      }
      const middleware = await createCandidate(name, context)
      return await run({ middleware, keyServer, clock, tokens })
    } finally {
      await keyServer.close()
    }
  })
}

/** 10,000 tokens, each with a key id of its own, over two minutes, after the keys were fetched. */
async function floodOfUnknownKids({ middleware, keyServer, clock, tokens }) {
  await send(middleware, tokens.valid)
  clock.now += 60 * SECOND
  keyServer.fetches.length = 0
  const answers = await sendWaves({
    clock,
    requests: 10_000,
    seconds: 120,
    request: () => send(middleware, withRandomKid(tokens.valid)),
  })
  const times = keyServer.fetches
  const distances = times.slice(1).map((time, index) => time - times[index])
  return { fetches: times.length, shortest: Math.min(...distances), answers }
}

/** 1000 valid tokens within 10 s, while the key endpoint answers 500 from the start. */
async function coldOutage({ middleware, keyServer, clock, tokens }) {
  keyServer.answer(500)
  const request = createExchange(middleware, tokens.valid)
  const answers = await sendWaves({ clock, requests: 1000, seconds: 10, request })
  return { fetches: keyServer.fetches.length, answers }
}

/** One valid token a second for 10 minutes of outage that begin a minute after the keys were read. */
async function warmOutage({ middleware, keyServer, clock, tokens }) {
  const request = createExchange(middleware, tokens.valid)
  const first = await request()
  clock.now += 60 * SECOND
  keyServer.answer(500)
  keyServer.fetches.length = 0
  const answers = {}
  for (let second = 0; second < 600; second += 1) {
    const status = await request()
    answers[status] = (answers[status] ?? 0) + 1
    clock.now += SECOND
  }
  return { fetches: keyServer.fetches.length, answers, wrong: 600 - (answers[first] ?? 0) }
}

function judge({ flood, cold, warm }) {
  return [
    {
      rule: 'unknown kids: at most 1 fetch in 30 s',
      met: flood.fetches <= 5 && flood.shortest >= 30 * SECOND,
    },
    { rule: 'unknown kids: every answer is 401', met: flood.answers[401] === 10_000 },
    { rule: 'cold outage: at most 5 fetches in 10 s', met: cold.fetches <= 5 },
    { rule: 'cold outage: every answer is 503', met: cold.answers[503] === 1000 },
    { rule: 'warm outage of 10 min: no wrong answer', met: warm.wrong === 0 },
  ]
}

/** Counts every candidate; the verdicts are about ours. */
export async function countFetches() {
  const fixture = createFixture()
  try {
    const counts = {}
    for (const [label, name] of Object.entries(CANDIDATES)) {
      const run = (scenario) => withCandidate(name, fixture.path, scenario)
      counts[label] = {
        flood: await run(floodOfUnknownKids),
        cold: await run(coldOutage),
        warm: await run(warmOutage),
      }
    }
    return { counts, verdicts: judge(counts.ours) }
  } finally {
    fixture.remove()
  }
}

function describeAnswers(answers) {
  return Object.entries(answers)
    .map(([status, count]) => `${count} x ${status}`)
    .join(', ')
}

/** Prints the tables and returns whether all of our limits are kept. */
export function printFetchCounts({ counts, verdicts }) {
  printTable(
    'JWKS fetches (counted)',
    [
      'candidate',
      '10,000 unknown kids in 120 s',
      'endpoint answers 500, cold: 1000 requests in 10 s',
      'answers',
      'warm, then 10 min down',
      'wrong answers of 600',
    ],
    Object.entries(counts).map(([name, { flood, cold, warm }]) => [
      name,
      flood.fetches,
      cold.fetches,
      describeAnswers(cold.answers),
      warm.fetches,
      warm.wrong,
    ]),
  )
  printTable(
    'Limits on fetches',
    ['rule', ''],
    verdicts.map(({ rule, met }) => [rule, met ? 'met' : 'MISSED']),
  )
  return verdicts.every(({ met }) => met)
}

if (isMain(import.meta.url)) {
  const counted = await countFetches()
  process.exitCode = printFetchCounts(counted) ? 0 : 1
  if (process.argv.includes('--json')) writeResults('fetches', benchVersions(), counted)
}
