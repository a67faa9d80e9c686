/*
 * How long one valid token waits while all four threads of libuv's pool are busy with longer jobs, as
 * DNS look-ups, file reads and password hashes make them. Wall time: what counts is what has to queue.
 */
import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { createCandidate } from './candidates/index.mjs'
import { effort } from './lib/effort.mjs'
import { createExchange } from './lib/exchange.mjs'
import { createFixture, readFixture } from './lib/fixture.mjs'
import { startKeyServer } from './lib/key-server.mjs'
import { measuredTable, reportTables } from './lib/measured-table.mjs'
import { isMain, median } from './lib/program.mjs'
import { benchVersions } from './lib/results.mjs'
import { interleave } from './stores/interleave.mjs'

const JOBS = 8
const ITERATIONS = 100_000
const ROUNDS = effort(9, 1)
const WARM_UP = effort(500, 20)

const busy = promisify(pbkdf2)

const CANDIDATES = [
  ['floor: SHA-256 and Map', 'floor', 'map-sha256'],
  ['floor: one synchronous check', 'floor', 'sync-verify'],
  ['ours, cached', 'ours', 'ours'],
  ['ours, uncached', 'ours', 'ours', { cache: false }],
  ['SDK v1 + jose', 'peer', 'sdk-v1'],
  ['SDK v2 + jose', 'peer', 'sdk-v2'],
  ['fast-jwt, its cache', 'peer', 'fast-jwt'],
  ['aws-jwt-verify', 'peer', 'aws-jwt-verify'],
]

/** Milliseconds until one request is answered that comes right after the pool became busy. */
async function waitOf(exchange) {
  const jobs = Array.from({ length: JOBS }, () =>
    busy('password', 'salt', ITERATIONS, 32, 'sha256'),
  )
  const start = performance.now()
  if ((await exchange()) !== 200) throw new Error('a valid token was refused')
  const waited = performance.now() - start
  await Promise.all(jobs)
  return { waited, whole: performance.now() - start }
}

export async function measurePool() {
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const exchanges = {}
  let samples
  try {
    for (const [label, , candidate, options] of CANDIDATES) {
      const context = { fixturePath: fixture.path, jwksUri: keyServer.jwksUri, ...options }
      exchanges[label] = createExchange(await createCandidate(candidate, context), tokens.valid)
      for (let count = 0; count < WARM_UP; count += 1) await exchanges[label]()
    }
    samples = await interleave(exchanges, { rounds: ROUNDS, warmUpRounds: 0 }, waitOf)
  } finally {
    await keyServer.close()
    fixture.remove()
  }
  const table = measuredTable(
    'pool',
    `Wait of one valid token while ${JOBS} jobs keep the libuv pool busy`,
    [
      ['median ms', 2],
      ['longest ms', 2],
      ['of the busy time', 4],
    ],
    CANDIDATES.map(([label, role]) => {
      const waits = samples[label].map(({ waited }) => waited)
      const shares = samples[label].map(({ waited, whole }) => waited / whole)
      return { label, role, values: [median(waits), Math.max(...waits), median(shares)] }
    }),
  )
  return [table]
}

if (isMain(import.meta.url)) reportTables('pool', benchVersions(), await measurePool())
