import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { fetchServerConfig, MCPAuth } from 'mcp-auth'

const { PORT, RESOURCE, ISSUER } = process.env

const mcpAuth = new MCPAuth({
  protectedResources: {
    metadata: {
      resource: RESOURCE,
      authorizationServers: [await fetchServerConfig(ISSUER, { type: 'oauth' })],
      scopesSupported: ['notes.read'],
    },
  },
})

const app = express()
app.use(mcpAuth.protectedResourceMetadataRouter())
const guard = mcpAuth.bearerAuth('jwt', {
  resource: RESOURCE,
  audience: RESOURCE,
  requiredScopes: ['notes.read'],
})
app.all('/mcp', guard, express.json(), async (request, response) => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('read_note', { description: 'Read a note' }, () => ({ content: [] }))
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
  await server.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
app.listen(Number(PORT), '127.0.0.1')
