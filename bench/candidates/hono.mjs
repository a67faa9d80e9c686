import { createMcpAuth, jwt } from '@bestviable/mcp-auth-middleware'
import { ISSUER, METADATA_URL, RESOURCE, readFixture } from '../lib/fixture.mjs'
import { createJoseVerifier } from './jose-verifier.mjs'

const UNAUTHORIZED = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
}

/** A node middleware of `bearer()` as one of Hono, for floors. */
async function fromVerifier(load, context) {
  const { create } = await load
  const middleware = create(context)
  return (c, next) =>
    new Promise((resolve, reject) => {
      const request = { headers: { authorization: c.req.header('authorization') } }
      const response = { writeHead() {}, end: () => resolve(new Response(null, UNAUTHORIZED)) }
      middleware(request, response, () => next().then(resolve, reject))
    })
}

function ours({ jwksUri, cache, onEvent }) {
  const auth = createMcpAuth({
    resource: RESOURCE,
    validators: [jwt({ issuer: ISSUER, jwksUri, algorithms: ['RS256'], typ: ['at+jwt'] })],
    scopes: { required: ['coda.read'] },
    ...(cache === undefined ? {} : { cache }),
    ...(onEvent && { onEvent }),
  })
  return (c, next) =>
    auth.fetch(c.req.raw, async (_request, authInfo) => {
      c.set('auth', authInfo)
      await next()
      return c.res
    })
}

async function sdkV2({ jwksUri }) {
  const { OAuthError, OAuthErrorCode, requireBearerAuth } = await import(
    '@modelcontextprotocol/server'
  )
  const InvalidToken = (message) => new OAuthError(OAuthErrorCode.InvalidToken, message)
  const gate = requireBearerAuth({
    verifier: createJoseVerifier({ jwksUri, InvalidToken }),
    requiredScopes: ['coda.read'],
    resourceMetadataUrl: METADATA_URL,
  })
  return async (c, next) => {
    const result = await gate(c.req.raw)
    if (result instanceof Response) return result
    c.set('auth', result)
    return next()
  }
}

async function honoJwk({ fixturePath }) {
  const { jwk } = await import('hono/jwk')
  const { keys } = readFixture(fixturePath).jwks
  return jwk({ keys, alg: ['RS256'], verification: { iss: ISSUER, aud: RESOURCE, typ: 'at+jwt' } })
}

const CANDIDATES = {
  none: async () => (_c, next) => next(),
  'map-sha256': (context) => fromVerifier(import('./map-sha256.mjs'), context),
  'sync-verify': (context) => fromVerifier(import('./sync-verify.mjs'), context),
  ours,
  'sdk-v2': sdkV2,
  'hono-jwk': honoJwk,
}

/** Creates the Hono middleware of a candidate. */
export async function createHonoCandidate(name, context) {
  return CANDIDATES[name](context)
}
