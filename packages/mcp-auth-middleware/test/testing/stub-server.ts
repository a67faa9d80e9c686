import { createServer, type Server } from 'node:http'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { TestIssuer } from '../../src/testing/test-issuer.js'

export interface ReferenceRules {
  readonly audience: string
  readonly algorithm: string
  readonly now?: number
}

const MAX_LIFETIME_SECONDS = 31 * 24 * 3600

/** Accepts a token or throws. Written for these tests only, apart from the middleware itself. */
export function createReferenceVerifier(issuer: TestIssuer, rules: ReferenceRules) {
  const keys = createRemoteJWKSet(new URL(issuer.jwksUri))
  return async (token: string): Promise<JWTPayload> => {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new errors.JWSInvalid('not canonical')
    const { payload } = await jwtVerify(token, keys, {
      issuer: issuer.issuer,
      audience: rules.audience,
      algorithms: [rules.algorithm],
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
    })
    const now = Date.now() / 1000
    if (payload.sub === '') throw new errors.JWTInvalid('empty subject')
    if (payload.cnf !== undefined) throw new errors.JWTInvalid('sender-constrained')
    if ((payload.iat ?? 0) > now + 10) throw new errors.JWTInvalid('from the future')
    if ((payload.exp ?? 0) > now + MAX_LIFETIME_SECONDS) throw new errors.JWTInvalid('too long')
    return payload
  }
}

export interface StubServer {
  readonly resource: string
  close(): Promise<void>
}

export interface StubRules {
  readonly requiredScope?: string | undefined
  /** Decides about a token. Default: the reference verifier. */
  readonly accepts?: (token: string) => Promise<JWTPayload>
  readonly challenge?: (resource: string) => string
  readonly status?: { readonly refused: number }
}

/** A protected resource server on 127.0.0.1: metadata document, challenge, and a JSON answer. */
export async function startStubServer(
  issuer: TestIssuer,
  rules: StubRules = {},
): Promise<StubServer> {
  let resource = ''
  let verify = rules.accepts

  const server: Server = createServer(async (request, response) => {
    request.resume()
    if (request.url === '/.well-known/oauth-protected-resource/mcp') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ resource, authorization_servers: [issuer.issuer] }))
      return
    }
    const scope = rules.requiredScope === undefined ? '' : `scope="${rules.requiredScope}", `
    const challenge =
      rules.challenge?.(resource) ??
      `Bearer ${scope}resource_metadata="${new URL(resource).origin}/.well-known/oauth-protected-resource/mcp"`
    const token = /^Bearer ([^ ]+)$/.exec(request.headers.authorization ?? '')?.[1]
    try {
      if (token === undefined) throw new errors.JWSInvalid('no token')
      const payload = await verify?.(token)
      const scopes = String(payload?.scope ?? '').split(' ')
      const isShort = rules.requiredScope !== undefined && !scopes.includes(rules.requiredScope)
      response.statusCode = isShort ? 403 : 200
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }))
    } catch {
      response.statusCode = token === undefined ? 401 : (rules.status?.refused ?? 401)
      response.setHeader('www-authenticate', challenge)
      response.end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  resource = `http://127.0.0.1:${port}/mcp`
  verify ??= createReferenceVerifier(issuer, { audience: resource, algorithm: 'RS256' })
  return {
    resource,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
