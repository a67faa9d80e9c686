/*
 * Cold start: CPU and resident memory of a fresh process until its first authenticated answer, as what
 * each candidate adds to bare Express. Processes take turns.
 */

import { requestBytes, startLoad, startServer } from './http/processes.mjs'
import { effort } from './lib/effort.mjs'
import { createFixture, readFixture } from './lib/fixture.mjs'
import { startKeyServer } from './lib/key-server.mjs'
import { measuredTable, reportTables } from './lib/measured-table.mjs'
import { isMain, median } from './lib/program.mjs'
import { benchVersions } from './lib/results.mjs'
import { interleave } from './stores/interleave.mjs'

const ROUNDS = effort(9, 1)
const BARE = 'bare Express'
const REFERENCE = 'SDK v1 + jose'
const CANDIDATES = [
  [BARE, 'base', 'none'],
  ['floor: SHA-256 and Map', 'floor', 'map-sha256'],
  ['floor: one synchronous check', 'floor', 'sync-verify'],
  ['ours', 'ours', 'ours'],
  [REFERENCE, 'peer', 'sdk-v1'],
  ['SDK v2 + jose', 'peer', 'sdk-v2'],
  ['mcp-auth', 'peer', 'mcp-auth'],
  ['express-oauth2-jwt-bearer', 'peer', 'express-oauth2-jwt-bearer'],
  ['aws-jwt-verify', 'peer', 'aws-jwt-verify'],
]

async function startOnce(candidate, context, load, token) {
  const start = performance.now()
  const server = await startServer({ app: 'express', candidate }, context)
  try {
    const listening = performance.now() - start
    const job = { ports: [server.port], request: requestBytes(token), requests: 1, connections: 1 }
    const statuses = await load.run(job)
    if (statuses[200] !== 1) throw new Error(`${candidate}: ${JSON.stringify(statuses)}`)
    const answered = performance.now() - start
    const { microseconds, rss } = await server.usage()
    return { listening, answered, cpu: microseconds / 1000, rss: rss / 1e6 }
  } finally {
    server.stop()
  }
}

export async function measureColdStart() {
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const load = startLoad()
  const context = { fixturePath: fixture.path, jwksUri: keyServer.jwksUri }
  const byLabel = Object.fromEntries(CANDIDATES.map(([label, , candidate]) => [label, candidate]))
  let samples
  try {
    samples = await interleave(byLabel, { rounds: ROUNDS, warmUpRounds: 1 }, (candidate) =>
      startOnce(candidate, context, load, tokens.valid),
    )
  } finally {
    load.stop()
    await keyServer.close()
    fixture.remove()
  }
  const value = (label, name) => median(samples[label].map((sample) => sample[name]))
  const added = (label, name) => value(label, name) - value(BARE, name)
  const table = measuredTable(
    'cold',
    'Cold start until the first authenticated answer, Express 5',
    [
      ['listening ms', 0],
      ['answered ms', 0],
      ['CPU ms', 0],
      ['CPU added ms', 0],
      [`of what ${REFERENCE} adds`, 2],
      ['RSS MB', 0],
      ['RSS added MB', 1],
      [`RSS of what ${REFERENCE} adds`, 2],
    ],
    CANDIDATES.map(([label, role]) => ({
      label,
      role,
      values: [
        value(label, 'listening'),
        value(label, 'answered'),
        value(label, 'cpu'),
        added(label, 'cpu'),
        added(label, 'cpu') / added(REFERENCE, 'cpu'),
        value(label, 'rss'),
        added(label, 'rss'),
        added(label, 'rss') / added(REFERENCE, 'rss'),
      ],
    })),
  )
  return [table]
}

if (isMain(import.meta.url)) reportTables('cold', benchVersions(), await measureColdStart())
