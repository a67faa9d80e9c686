import {
  createMcpExpressApp,
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
  requireBearerAuth,
} from '@modelcontextprotocol/express'
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  McpServer,
  OAuthError,
  OAuthErrorCode,
} from '@modelcontextprotocol/server'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { PORT, RESOURCE, ISSUER, ISSUER_KEYS, ISSUER_METADATA } = process.env
const resource = new URL(RESOURCE)
const keys = createRemoteJWKSet(new URL(ISSUER_KEYS))

const verifier = {
  async verifyAccessToken(token) {
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: RESOURCE }).catch(
      () => {
        throw new OAuthError(OAuthErrorCode.InvalidToken, 'the token is not valid')
      },
    )
    const { client_id: clientId, scope, exp: expiresAt } = payload
    return { token, clientId, scopes: scope.split(' '), expiresAt, resource }
  },
}

const app = createMcpExpressApp()
app.use(
  mcpAuthMetadataRouter({
    oauthMetadata: JSON.parse(ISSUER_METADATA),
    resourceServerUrl: resource,
    scopesSupported: ['notes.read'],
  }),
)
const guard = requireBearerAuth({
  verifier,
  requiredScopes: ['notes.read'],
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
})
const handler = createMcpHandler(() => new McpServer({ name: 'notes', version: '1.0.0' }))
app.all('/mcp', guard, toNodeHandler(handler))
app.listen(Number(PORT), '127.0.0.1')
