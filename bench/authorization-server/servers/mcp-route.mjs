import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'

function createServer() {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  server.registerTool('whoami', { description: 'Names the caller' }, ({ http }) => ({
    content: [{ type: 'text', text: http?.authInfo?.clientId ?? 'nobody' }],
  }))
  return server
}

/** The MCP endpoint that both applications have. */
export const mcpRoute = () => toNodeHandler(createMcpHandler(createServer))
