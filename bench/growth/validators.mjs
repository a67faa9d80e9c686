/* CPU of a request with 1, 10 and 100 issuers, the last of which signed the token. */
import { decodeJwt, jwtVerify } from 'jose'
import { createCandidate } from '../candidates/index.mjs'
import { createJoseVerifier } from '../candidates/jose-verifier.mjs'
import { cpuOf } from '../lib/cpu-of.mjs'
import { effort } from '../lib/effort.mjs'
import { createExchange } from '../lib/exchange.mjs'
import { createFixture, MANY_ISSUERS, RESOURCE, readFixture } from '../lib/fixture.mjs'
import { startKeyServer } from '../lib/key-server.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { median } from '../lib/program.mjs'
import { interleave } from '../stores/interleave.mjs'

const NUMBERS = [1, 10, 100]
const ROUNDS = effort(9, 1)
const CHEAP = effort(4000, 50)
const VERIFIES = effort(400, 20)
// What is tried in turn costs milliseconds.
const SLOW = effort(40, 5)

const DECODE = 'floor: Map by iss, no verification'
const WARM = 'ours, cached'
const MISS = 'ours, uncached'
const BY_MAP = 'jose, Map by iss'
const IN_TURN = 'jose, tried in turn'
const MCP_AUTH = 'mcp-auth'

function joseVerifiers(issuers, jwksUri) {
  const InvalidToken = (message) => new Error(message)
  return new Map(
    issuers.map((issuer) => [issuer, createJoseVerifier({ jwksUri, issuer, InvalidToken })]),
  )
}

async function createOperations(issuers, context, token) {
  const verifiers = joseVerifiers(issuers, context.jwksUri)
  const known = new Map(issuers.map((issuer) => [issuer, jwtVerify]))
  const through = async (name, options) =>
    createExchange(await createCandidate(name, { ...context, issuers, ...options }), token)
  return {
    [DECODE]: { count: CHEAP, run: () => known.get(decodeJwt(token).iss) },
    [WARM]: { count: CHEAP, run: await through('ours') },
    [MISS]: { count: VERIFIES, run: await through('ours', { cache: false }) },
    [BY_MAP]: {
      count: VERIFIES,
      run: () => verifiers.get(decodeJwt(token).iss).verifyAccessToken(token),
    },
    [IN_TURN]: {
      count: SLOW,
      async run() {
        for (const verifier of verifiers.values()) {
          const verified = await verifier.verifyAccessToken(token).catch(() => undefined)
          if (verified !== undefined) return verified
        }
        throw new Error('no verifier accepts the token')
      },
    },
    [MCP_AUTH]: { count: VERIFIES, run: await through('mcp-auth') },
  }
}

export async function measureValidators() {
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const context = {
    fixturePath: fixture.path,
    jwksUri: keyServer.jwksUri,
    resource: RESOURCE,
    onEvent: () => {},
  }
  const candidates = {}
  let samples
  try {
    for (const number of NUMBERS) {
      const issuers = MANY_ISSUERS.slice(-number)
      const operations = await createOperations(issuers, context, tokens.lastOfMany)
      for (const [label, operation] of Object.entries(operations)) {
        candidates[`${label}/${number}`] = operation
      }
    }
    samples = await interleave(candidates, { rounds: ROUNDS, warmUpRounds: 2 }, ({ count, run }) =>
      cpuOf(count, run),
    )
  } finally {
    await keyServer.close()
    fixture.remove()
  }
  const role = (label) => {
    if (label === DECODE) return 'floor'
    return label === WARM || label === MISS ? 'ours' : 'peer'
  }
  return measuredTable(
    'validators',
    'CPU of one token with N issuers',
    [...NUMBERS.map((number) => [`${number}: us`, 2]), ['100 against 1', 2]],
    [DECODE, WARM, MISS, BY_MAP, IN_TURN, MCP_AUTH].map((label) => {
      const of = (number) => samples[`${label}/${number}`]
      const growth = median(of(100).map((each, round) => each / of(1)[round]))
      return {
        label,
        role: role(label),
        values: [...NUMBERS.map((number) => median(of(number))), growth],
      }
    }),
  )
}
