import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'

/** Claims of one caller, with texts of their own, as parsed JSON has them. */
export function createClaims(index, expiresAt) {
  return JSON.parse(
    JSON.stringify({
      iss: ISSUER,
      sub: `user-${index}`,
      aud: RESOURCE,
      exp: expiresAt,
      iat: expiresAt - 3600,
      jti: `token-${index}`,
      client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
      scope: 'coda.read coda.write',
      email: `user-${index}@example.com`,
      name: `User ${index}`,
    }),
  )
}

/** Our middleware with a validator that accepts every token as another caller. */
export function createAcceptingMiddleware(cache) {
  let count = 0
  const validator = {
    name: 'accept-all',
    selects: { opaque: true },
    authorizationServers: [ISSUER],
    scopeSource: 'token',
    resourceBinding: 'audience',
    validate(_token, { now }) {
      count += 1
      const claims = createClaims(count, Math.floor(now / 1000) + 3600)
      return {
        kind: 'accepted',
        principal: {
          issuer: ISSUER,
          subject: claims.sub,
          kind: 'user',
          clientId: claims.client_id,
          scopes: claims.scope.split(' '),
          expiresAt: claims.exp,
          email: claims.email,
          name: claims.name,
          tokenId: claims.jti,
          claims,
        },
        reuse: { until: now + 300_000 },
      }
    },
  }
  return mcpAuth({ resource: RESOURCE, validators: [validator], cache, onEvent: () => {} })
}
