import { McpServer } from '@modelcontextprotocol/server'
import type { Github } from './github.js'
import type { Settings } from './settings.js'
import { registerGithubAccount } from './tools/github-account.js'
import { registerWhoami } from './tools/whoami.js'

/** Makes the MCP server of one request, with its tools. */
export function createMcpServer({ name, version }: Settings, github: Github): McpServer {
  const server = new McpServer({ name, version })
  registerWhoami(server)
  registerGithubAccount(server, github)
  return server
}
