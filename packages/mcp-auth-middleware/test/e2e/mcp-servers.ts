import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createMcpHandler, McpServer as McpServerV2 } from '@modelcontextprotocol/server'
import express, { type Express } from 'express'
import * as z from 'zod'
import type { McpAuth } from '../../src/create-mcp-auth.js'
import { mcpAuth } from '../../src/express.js'
import { principalOf } from '../../src/resource-server/auth-info.js'

/** What a tool of the test servers tells about its caller. */
export interface SeenCaller {
  readonly subject: string | undefined
  readonly clientId: string | undefined
  readonly scopes: readonly string[] | undefined
  /** The last characters of the token that the SDK handed to the tool. */
  readonly tokenEnd: string | undefined
  readonly text?: string | undefined
}

interface SdkAuthInfo {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  readonly extra?: Record<string, unknown> | undefined
}

/** Runs inside the `echo` tool, so that a test can hold several calls at once. */
export type DuringEcho = (text: string) => Promise<void>

const noWait: DuringEcho = async () => undefined

function report(authInfo: SdkAuthInfo | undefined, text?: string) {
  const seen: SeenCaller = {
    subject: principalOf(authInfo)?.subject,
    clientId: authInfo?.clientId,
    scopes: authInfo?.scopes,
    tokenEnd: authInfo?.token.slice(-8),
    text,
  }
  return { content: [{ type: 'text' as const, text: JSON.stringify(seen) }] }
}

function createServerV1(during: DuringEcho): McpServerV1 {
  const server = new McpServerV1({ name: 'v1', version: '1.0.0' })
  server.registerTool('whoami', {}, (extra) => report(extra.authInfo))
  server.registerTool('delete_note', {}, (extra) => report(extra.authInfo))
  server.registerTool('echo', { inputSchema: { text: z.string() } }, async ({ text }, extra) => {
    await during(text)
    return report(extra.authInfo, text)
  })
  return server
}

/** The server of SDK v2, for hosts of one's own. */
export function createServerV2(during: DuringEcho = noWait): McpServerV2 {
  const server = new McpServerV2({ name: 'v2', version: '1.0.0' })
  server.registerTool('whoami', {}, (ctx) => report(ctx.http?.authInfo))
  server.registerTool('delete_note', {}, (ctx) => report(ctx.http?.authInfo))
  const inputSchema = z.object({ text: z.string() })
  server.registerTool('echo', { inputSchema }, async ({ text }, ctx) => {
    await during(text)
    return report(ctx.http?.authInfo, text)
  })
  return server
}

/** Puts an MCP endpoint behind `mcpAuth`. The path is the one under which requests arrive. */
export type McpApp = (auth: McpAuth, path: string, during?: DuringEcho) => Express

/** SDK v2: `createMcpHandler` serves 2026-07-28 and, statelessly, every revision before. */
export const sdkV2: McpApp = (auth, path, during = noWait) => {
  const app = express()
  const handle = toNodeHandler(createMcpHandler(() => createServerV2(during)))
  app.use(mcpAuth(auth))
  app.all(path, (request, response) => void handle(request, response))
  return app
}

/** SDK v1 with a server and a transport for each request. */
export const sdkV1Stateless: McpApp = (auth, path, during = noWait) => {
  const app = express()
  app.use(mcpAuth(auth))
  app.all(path, async (request, response) => {
    const transport = new StreamableHTTPServerTransport()
    response.on('close', () => void transport.close())
    // The transport's type is not exact about optional members, which has no meaning at run time.
    await createServerV1(during).connect(transport as never)
    await transport.handleRequest(request, response)
  })
  return app
}

/** SDK v1 with sessions that are bound to their caller. */
export const sdkV1Stateful: McpApp = (auth, path, during = noWait) => {
  const app = express()
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  app.use(mcpAuth(auth))
  app.all(path, async (request, response) => {
    const known = sessions.get(request.get('mcp-session-id') ?? '')
    if (known !== undefined) {
      await known.handleRequest(request, response)
      return
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: auth.sessionIds(request),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await createServerV1(during).connect(transport as never)
    await transport.handleRequest(request, response)
  })
  return app
}

export const MCP_APPS: readonly (readonly [name: string, app: McpApp])[] = [
  ['SDK v2', sdkV2],
  ['SDK v1, stateless', sdkV1Stateless],
  ['SDK v1, stateful', sdkV1Stateful],
]
