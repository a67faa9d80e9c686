import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { McpServer } from '@modelcontextprotocol/server'
import { type Environment, readSettings, type Settings } from '../src/settings.js'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Settings of a server on a free port, with these variables and none of the shell. */
export async function testSettings(env: Environment = {}): Promise<Settings> {
  return readSettings({ PORT: String(await freePort()), ...env })
}

/** An MCP server with the tool that is to be tested. */
export function mcpServerWith(register: (server: McpServer) => void): () => McpServer {
  return () => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    register(server)
    return server
  }
}

/** Calls a tool as a client of the MCP SDK does. */
export async function callTool(url: string, name: string, headers: Record<string, string>) {
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  )
  try {
    return await client.callTool({ name })
  } finally {
    await client.close()
  }
}

/** Status of a request with these headers. */
export async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const accept = 'application/json, text/event-stream'
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body,
  })
  await response.body?.cancel()
  return response.status
}
