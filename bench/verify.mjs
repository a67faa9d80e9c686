/*
 * CPU of one verification and of one cache hit, in one process, as ratios of one run. A report.
 */
import { jwt } from '@bestviable/mcp-auth-middleware'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createCandidate } from './candidates/index.mjs'
import { createExchange } from './lib/exchange.mjs'
import { createFixture, ISSUER, RESOURCE, readFixture } from './lib/fixture.mjs'
import { startKeyServer } from './lib/key-server.mjs'
import { isMain, median, printTable } from './lib/program.mjs'

const ROUNDS = 11
const SLICE_MILLISECONDS = 200

const JOSE = 'jose jwtVerify, createLocalJWKSet'
const FAST_JWT = 'fast-jwt, cache hit'

/** Repeats an operation for a slice of time and returns its CPU microseconds, all threads. */
async function cpuOf(operation) {
  const end = performance.now() + SLICE_MILLISECONDS
  const before = process.cpuUsage()
  let count = 0
  while (performance.now() < end) {
    for (let inner = 0; inner < 50; inner += 1) await operation()
    count += 50
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** The validator alone, as jose is measured alone: no request, no cache. */
function createValidation(jwks, token) {
  const validator = jwt({ issuer: ISSUER, jwks, algorithms: ['RS256'], typ: ['at+jwt'] })
  validator.attach({ resources: [RESOURCE], report() {} })
  const digest = ''
  return async () => {
    const context = { resource: RESOURCE, digest, now: Date.now() }
    const verdict = await validator.validate(token, context)
    if (verdict.kind !== 'accepted') throw new Error(verdict.reason)
  }
}

function createJose(jwks, token) {
  const keys = createLocalJWKSet(jwks)
  const options = {
    issuer: ISSUER,
    audience: RESOURCE,
    typ: 'at+jwt',
    algorithms: ['RS256'],
    requiredClaims: ['exp', 'sub'],
    clockTolerance: 10,
  }
  return () => jwtVerify(token, keys, options)
}

/** Measures and returns `{ label, microseconds, ratio, of }` for each row. */
export async function measureVerification() {
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const throughMiddleware = async (name, options = {}) => {
    const context = { fixturePath: fixture.path, jwksUri: keyServer.jwksUri, ...options }
    return createExchange(await createCandidate(name, context), tokens.valid)
  }
  const operations = {
    [JOSE]: createJose(jwks, tokens.valid),
    'ours, validator alone': createValidation(jwks, tokens.valid),
    'ours, middleware with cache off': await throughMiddleware('ours', { cache: false }),
    'SDK v1 + jose, middleware': await throughMiddleware('sdk-v1'),
    'ours, middleware, cache hit': await throughMiddleware('ours'),
    [FAST_JWT]: await throughMiddleware('fast-jwt'),
    'floor: SHA-256 and Map': await throughMiddleware('map-sha256'),
  }
  const samples = Object.fromEntries(Object.keys(operations).map((label) => [label, []]))
  try {
    for (const operation of Object.values(operations)) await cpuOf(operation)
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [label, operation] of Object.entries(operations)) {
        samples[label].push(await cpuOf(operation))
      }
    }
  } finally {
    await keyServer.close()
    fixture.remove()
  }
  // Ratios of neighbours in time, then the median: less noise than a ratio of medians.
  const ratio = (label, of) =>
    median(samples[label].map((each, round) => each / samples[of][round]))
  return Object.keys(operations).map((label) => ({
    label,
    microseconds: median(samples[label]),
    ofJose: ratio(label, JOSE),
    ofFastJwt: ratio(label, FAST_JWT),
  }))
}

export function printVerification(rows) {
  printTable(
    `CPU of one verification or cache hit, RS256, Node.js ${process.version}`,
    ['operation', 'CPU us', 'of jose', 'of fast-jwt hit'],
    rows.map(({ label, microseconds, ofJose, ofFastJwt }) => [
      label,
      microseconds.toFixed(2),
      ofJose.toFixed(3),
      ofFastJwt.toFixed(2),
    ]),
  )
}

if (isMain(import.meta.url)) printVerification(await measureVerification())
