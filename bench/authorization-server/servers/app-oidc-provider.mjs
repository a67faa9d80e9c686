import { requireBearerAuth } from '@modelcontextprotocol/express'
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server'
import express from 'express'
import { jwtVerify } from 'jose'
import { mcpRoute } from './mcp-route.mjs'
import { createProvider } from './oidc-provider.mjs'

/** The same with oidc-provider, its memory adapter, and the bearer check of SDK v2 with jose behind it. */
export async function create({ origin, resource }) {
  const { handler, publicKey } = createProvider({ origin, resource })
  const verifier = {
    async verifyAccessToken(token) {
      try {
        const options = { issuer: origin, audience: resource, algorithms: ['ES256'] }
        const { payload } = await jwtVerify(token, publicKey, options)
        const { client_id: clientId, scope, exp: expiresAt } = payload
        return { token, clientId, scopes: scope.split(' '), expiresAt }
      } catch (error) {
        throw new OAuthError(OAuthErrorCode.InvalidToken, error.message)
      }
    },
  }
  const app = express()
  app.all('/mcp', requireBearerAuth({ verifier, requiredScopes: ['coda.read'] }), mcpRoute())
  app.use(handler)
  return app
}
