import { setupAuthServer } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

const { PORT, RESOURCE, AUTH_ORIGIN } = process.env
const mcpServerUrl = new URL(RESOURCE)
const oauthMetadata = setupAuthServer({
  authServerUrl: new URL(AUTH_ORIGIN),
  mcpServerUrl,
  strictResource: true,
})

const verifier = {
  async verifyAccessToken(token) {
    const answer = await fetch(oauthMetadata.introspection_endpoint, {
      method: 'POST',
      body: new URLSearchParams({ token }),
    })
    const { client_id: clientId, scope, exp: expiresAt, active } = await answer.json()
    if (active === false) throw new Error('the token is not valid')
    return { token, clientId, scopes: scope.split(' '), expiresAt }
  },
}

const app = createMcpExpressApp()
app.use(
  mcpAuthMetadataRouter({
    oauthMetadata,
    resourceServerUrl: mcpServerUrl,
    scopesSupported: ['mcp:tools'],
  }),
)
const guard = requireBearerAuth({
  verifier,
  requiredScopes: [],
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(mcpServerUrl),
})
app.all('/mcp', guard, async (request, response) => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('read_note', { description: 'Read a note' }, () => ({ content: [] }))
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
  await server.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
app.listen(Number(PORT), '127.0.0.1')
