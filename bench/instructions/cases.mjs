import { createCandidate } from '../candidates/index.mjs'
import { createExchange } from '../lib/exchange.mjs'
import { MANY_ISSUERS, RESOURCE } from '../lib/fixture.mjs'

// Enough for the optimising compiler to be done with the cheap cases. Those that verify a signature
// go on falling slowly (README.md, limits), so their number belongs to the definition of the gate.
const VERIFIES = 1000
const CHEAP = 8000
const REFUSALS = 5000

const ACCEPTED = new Set(['valid', 'lastOfMany'])

/**
 * A case: the exchange to repeat, the status it must answer, and how often it is repeated.
 *
 * @param token - name of a token of the fixture; `none` sends no `Authorization` field.
 */
function candidate(name, count, token = 'valid', options = {}) {
  return {
    count,
    status: ACCEPTED.has(token) ? 200 : 401,
    async create(context, tokens) {
      const middleware = await createCandidate(name, { ...context, ...options })
      return createExchange(middleware, tokens[token])
    },
  }
}

/**
 * Ours with validators that answer at once and allow no reuse: what is left is the way of a request
 * and the choice of the validator, on every request.
 */
function selection(issuers) {
  return {
    count: REFUSALS,
    status: 200,
    async create(_context, tokens) {
      const { mcpAuth } = await import('@bestviable/mcp-auth-middleware/express')
      const principal = {
        issuer: issuers.at(-1),
        subject: 'ann',
        kind: 'user',
        scopes: [],
        claims: {},
      }
      const verdict = { kind: 'accepted', principal }
      const middleware = mcpAuth({
        resource: RESOURCE,
        validators: issuers.map((issuer, index) => ({
          name: `validator-${index}`,
          selects: { issuers: [issuer] },
          authorizationServers: [issuer],
          scopeSource: 'token',
          resourceBinding: 'audience',
          validate: () => verdict,
        })),
        authorizationServers: issuers.slice(-1),
      })
      return createExchange(middleware, tokens.lastOfMany)
    },
  }
}

const lastIssuer = MANY_ISSUERS.slice(-1)

/** What is counted. The names are those of the tables. */
export const CASES = {
  'no middleware': candidate('none', CHEAP),
  'floor: SHA-256 and Map': candidate('map-sha256', CHEAP),
  'ours, warm': candidate('ours', CHEAP),
  'fast-jwt, cache hit': candidate('fast-jwt', CHEAP),
  'SDK v1 + jose, warm': candidate('sdk-v1', VERIFIES),
  'SDK v2 + jose, warm': candidate('sdk-v2', VERIFIES),
  'mcp-auth, warm': candidate('mcp-auth', VERIFIES),
  'express-oauth2-jwt-bearer, warm': candidate('express-oauth2-jwt-bearer', VERIFIES),
  'aws-jwt-verify, warm': candidate('aws-jwt-verify', VERIFIES),
  'ours, cache off': candidate('ours', VERIFIES, 'valid', { cache: false }),
  'ours, 401 without header': candidate('ours', REFUSALS, 'none'),
  'SDK v1, 401 without header': candidate('sdk-v1', REFUSALS, 'none'),
  'SDK v2, 401 without header': candidate('sdk-v2', REFUSALS, 'none'),
  'ours, wrong issuer': candidate('ours', REFUSALS, 'wrongIssuer'),
  'SDK v1, wrong issuer': candidate('sdk-v1', VERIFIES, 'wrongIssuer'),
  'ours, expired': candidate('ours', REFUSALS, 'expired'),
  'ours, bad signature': candidate('ours', VERIFIES, 'badSignature'),
  'ours, 100 validators, warm': candidate('ours', CHEAP, 'lastOfMany', { issuers: MANY_ISSUERS }),
  'ours, 1 validator, selection': selection(lastIssuer),
  'ours, 100 validators, selection': selection(MANY_ISSUERS),
}

/** Upper limits: the first case divided by the second. Those of `atNight` take minutes more. */
export const GATES = [
  { case: 'ours, warm', of: 'SDK v1 + jose, warm', limit: 0.09 },
  { case: 'ours, 401 without header', of: 'SDK v1, 401 without header', limit: 0.25 },
  { case: 'ours, cache off', of: 'SDK v1 + jose, warm', limit: 1.45 },
  { case: 'ours, wrong issuer', of: 'SDK v1, wrong issuer', limit: 0.25, atNight: true },
  { case: 'ours, expired', of: 'ours, cache off', limit: 0.5, atNight: true },
  { case: 'ours, bad signature', of: 'ours, cache off', limit: 1.15, atNight: true },
  { case: 'ours, 100 validators, warm', of: 'ours, warm', limit: 1.05, atNight: true },
  {
    case: 'ours, 100 validators, selection',
    of: 'ours, 1 validator, selection',
    limit: 1.05,
    atNight: true,
  },
]
