/*
 * CPU of one verification and of one cache hit, in one process, as ratios of one run. A report.
 */
import { createPublicKey, verify } from 'node:crypto'
import { jwt } from '@bestviable/mcp-auth-middleware'
import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier } from 'fast-jwt'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createCandidate } from './candidates/index.mjs'
import { createSyncVerify } from './candidates/sync-verify.mjs'
import { effort } from './lib/effort.mjs'
import { createExchange } from './lib/exchange.mjs'
import { createFixture, ISSUER, RESOURCE, readFixture } from './lib/fixture.mjs'
import { startKeyServer } from './lib/key-server.mjs'
import { measuredTable, reportTables } from './lib/measured-table.mjs'
import { isMain, median } from './lib/program.mjs'
import { benchVersions } from './lib/results.mjs'
import { interleave } from './stores/interleave.mjs'

const ROUNDS = effort(11, 1)
const SLICE_MILLISECONDS = effort(150, 10)

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

function createSignatureCheck(publicKeyPem, token) {
  const key = createPublicKey(publicKeyPem)
  const input = Buffer.from(token.slice(0, token.lastIndexOf('.')))
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')
  return () => {
    if (!verify('sha256', input, key, signature)) throw new Error('signature')
  }
}

function createFastJwt(publicKeyPem, token) {
  const check = createVerifier({
    key: publicKeyPem,
    algorithms: ['RS256'],
    allowedIss: ISSUER,
    allowedAud: RESOURCE,
    cache: false,
  })
  return () => check(token)
}

function createAws(jwks, token) {
  const verifier = JwtVerifier.create({
    issuer: ISSUER,
    audience: RESOURCE,
    jwksUri: 'https://login.example.com/jwks.json',
    scope: null,
  })
  verifier.cacheJwks(jwks)
  return () => verifier.verifySync(token)
}

/** Interleaves operations and returns CPU and the ratio to a reference, from neighbours in time. */
async function compareCpu(operations, reference) {
  const candidates = Object.fromEntries(operations.map(([label, , run]) => [label, run]))
  const samples = await interleave(candidates, { rounds: ROUNDS, warmUpRounds: 1 }, cpuOf)
  return operations.map(([label, role]) => ({
    label,
    role,
    values: [
      median(samples[label]),
      median(samples[label].map((each, round) => each / samples[reference][round])),
    ],
  }))
}

export async function measureVerification() {
  const fixture = createFixture()
  const { jwks, publicKeyPem, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const { valid } = tokens
  const throughMiddleware = async (name, options = {}) => {
    const context = { fixturePath: fixture.path, jwksUri: keyServer.jwksUri, ...options }
    return createExchange(await createCandidate(name, context), valid)
  }
  const syncVerify = createSyncVerify(publicKeyPem)
  const jose = 'jose jwtVerify, createLocalJWKSet'
  const fastJwt = 'fast-jwt, cache hit'
  try {
    const misses = await compareCpu(
      [
        ['floor: the signature alone', 'floor', createSignatureCheck(publicKeyPem, valid)],
        ['floor: synchronous check by hand', 'floor', () => syncVerify(valid)],
        ['ours, validator alone', 'ours', createValidation(jwks, valid)],
        ['ours, middleware', 'ours', await throughMiddleware('ours', { cache: false })],
        [jose, 'peer', createJose(jwks, valid)],
        ['SDK v1 + jose, middleware', 'peer', await throughMiddleware('sdk-v1')],
        ['fast-jwt, no cache', 'peer', createFastJwt(publicKeyPem, valid)],
        ['aws-jwt-verify, verifySync', 'peer', createAws(jwks, valid)],
      ],
      jose,
    )
    const hits = await compareCpu(
      [
        ['floor: SHA-256 and Map', 'floor', await throughMiddleware('map-sha256')],
        ['ours, middleware', 'ours', await throughMiddleware('ours')],
        [fastJwt, 'peer', await throughMiddleware('fast-jwt')],
        [jose, 'peer', createJose(jwks, valid)],
      ],
      fastJwt,
    )
    return [
      measuredTable(
        'miss',
        'CPU of one verification, RS256, nothing cached',
        [
          ['CPU us', 2],
          ['of jose', 3],
        ],
        misses,
      ),
      measuredTable(
        'hit',
        'CPU of one token that is known',
        [
          ['CPU us', 2],
          ['of a fast-jwt hit', 3],
        ],
        hits,
      ),
    ]
  } finally {
    await keyServer.close()
    fixture.remove()
  }
}

if (isMain(import.meta.url)) {
  reportTables('verification', benchVersions(), await measureVerification())
}
