/*
 * What requests do to the cache of verified tokens, counted: a token that is known is answered within the
 * call, without waiting for anything, and no refused token takes the place of a good one. Ends with 1
 * when a limit is exceeded.
 */
import { jwt } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createExchange, send } from './lib/exchange.mjs'
import { createFixture, ISSUER, RESOURCE, readFixture, withRandomKid } from './lib/fixture.mjs'
import { isMain, printTable } from './lib/program.mjs'
import { benchVersions, writeResults } from './lib/results.mjs'

const REQUESTS = 1000
const FORGED = ['badSignature', 'expired', 'wrongIssuer', 'unknownKid', 'algNone', 'garbage']

/** Our middleware with room for one token, and how often a token was really verified. */
function createCounted(jwks) {
  const validator = jwt({ issuer: ISSUER, jwks, algorithms: ['RS256'], typ: ['at+jwt'] })
  const { validate } = validator
  const counter = { verified: 0 }
  const counted = {
    ...validator,
    validate(...parameters) {
      counter.verified += 1
      return validate.apply(validator, parameters)
    },
  }
  const middleware = mcpAuth({
    resource: RESOURCE,
    validators: [counted],
    cache: { maxEntries: 1 },
    onEvent: () => {},
  })
  return { middleware, counter }
}

/** Answers that a known token did not get before the call returned. */
async function countLateAnswers({ middleware }, token) {
  const exchange = createExchange(middleware, token)
  await exchange()
  let late = 0
  for (let count = 0; count < REQUESTS; count += 1) {
    let isAnswered = false
    const response = {
      headersSent: false,
      setHeader() {},
      getHeader() {},
      once() {},
    }
    const headers = { host: 'mcp.example.com', authorization: `Bearer ${token}` }
    const rawHeaders = Object.entries(headers).flat()
    const request = { method: 'GET', url: '/mcp', originalUrl: '/mcp', headers, rawHeaders }
    middleware(request, response, () => {
      isAnswered = true
    })
    if (!isAnswered) late += 1
  }
  return late
}

/** Verifications of a good token that forged ones in between caused. */
async function countEvictions({ middleware, counter }, tokens) {
  const good = createExchange(middleware, tokens.valid)
  await good()
  let again = 0
  for (let count = 0; count < REQUESTS; count += 1) {
    const name = FORGED[count % FORGED.length]
    const forged = name === 'unknownKid' ? withRandomKid(tokens.valid) : tokens[name]
    if ((await send(middleware, forged)) !== 401) throw new Error(`${name} was not refused`)
    const before = counter.verified
    if ((await good()) !== 200) throw new Error('a good token was refused')
    again += counter.verified - before
  }
  return again
}

/** Counts of ours, each with its limit. */
export async function countCacheEffects() {
  const fixture = createFixture()
  try {
    const { jwks, tokens } = readFixture(fixture.path)
    return [
      {
        what: `known tokens of ${REQUESTS} that waited for anything`,
        count: await countLateAnswers(createCounted(jwks), tokens.valid),
        limit: 0,
      },
      {
        what: `verifications again of a good token among ${REQUESTS} forged ones`,
        count: await countEvictions(createCounted(jwks), tokens),
        limit: 0,
      },
    ]
  } finally {
    fixture.remove()
  }
}

/** Prints the table and returns whether every limit was kept. */
export function printCacheEffects(counts) {
  printTable(
    'The cache of verified tokens (counted)',
    ['what', 'count', 'limit', ''],
    counts.map(({ what, count, limit }) => [what, count, limit, count <= limit ? 'met' : 'MISSED']),
  )
  return counts.every(({ count, limit }) => count <= limit)
}

if (isMain(import.meta.url)) {
  const counts = await countCacheEffects()
  process.exitCode = printCacheEffects(counts) ? 0 : 1
  if (process.argv.includes('--json')) writeResults('cache-effects', benchVersions(), { counts })
}
