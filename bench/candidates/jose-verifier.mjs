import { createRemoteJWKSet, jwtVerify } from 'jose'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'

/** What an MCP server writes around jose for either SDK: the same checks as ours ask for. */
export function createJoseVerifier({ jwksUri, issuer = ISSUER, InvalidToken }) {
  const keys = createRemoteJWKSet(new URL(jwksUri))
  const options = {
    issuer,
    audience: RESOURCE,
    typ: 'at+jwt',
    algorithms: ['RS256'],
    requiredClaims: ['exp', 'sub'],
    clockTolerance: 10,
  }
  return {
    async verifyAccessToken(token) {
      try {
        const { payload } = await jwtVerify(token, keys, options)
        return {
          token,
          clientId: payload.client_id,
          scopes: payload.scope.split(' '),
          expiresAt: payload.exp,
          extra: { sub: payload.sub },
        }
      } catch (error) {
        throw InvalidToken(error.message)
      }
    },
  }
}
