import { McpServer } from '@modelcontextprotocol/server'
import type { Settings } from './settings.js'
import { registerWhoami } from './tools/whoami.js'

/** Makes the MCP server of one request, with its tools. */
export function createMcpServer({ name, version }: Settings): McpServer {
  const server = new McpServer({ name, version })
  registerWhoami(server)
  return server
}
