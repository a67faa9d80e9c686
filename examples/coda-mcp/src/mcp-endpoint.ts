import { type NodeMcpRequestHandler, toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  isLegacyRequest,
  legacyStatelessFallback,
  type McpHandlerRequestOptions,
  type McpRequestContext,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { sessionIdFor } from './connect-request.js'
import { parseBody, readMessages } from './messages.js'
import { asksForProgress } from './progress-report.js'

/** The MCP endpoint as a Node handler. */
export interface McpEndpoint {
  readonly handle: NodeMcpRequestHandler
  /** Ends running exchanges and subscription streams. */
  close(): Promise<void>
}

function methodNotAllowed(): Response {
  return Response.json(
    { jsonrpc: '2.0', error: { code: -32000, message: 'Method not allowed.' }, id: null },
    { status: 405, headers: { allow: 'POST' } },
  )
}

function withSessionId(response: Response, sessionId: string | undefined): Response {
  if (sessionId === undefined || !response.ok) return response
  const headers = new Headers(response.headers)
  headers.set('mcp-session-id', sessionId)
  return new Response(response.body, { status: response.status, headers })
}

/**
 * Serves clients of every protocol revision without sessions: each request gets its own server from
 * `createServer` and one answer, so any replica can serve any request. The answer is JSON, or an event
 * stream for a call that asked for progress. `createServer` is told the tool that the request calls, if it
 * does nothing else: then no other is needed. `admit` is asked before a batch of so many messages is
 * answered, and may answer in its place.
 */
export function createMcpEndpoint(
  createServer: (tool: string | undefined) => McpServer,
  onError: (error: Error) => void,
  admit: (messages: number) => Promise<Response | undefined> = async () => undefined,
): McpEndpoint {
  const called = new WeakMap<Request, string>()
  const createFor = ({ requestInfo }: McpRequestContext): McpServer =>
    createServer(requestInfo && called.get(requestInfo))

  const modern = createMcpHandler(createFor, {
    legacy: 'reject',
    onerror: onError,
  })

  // The SDK's own handling of revisions before 2026-07-28 answers with event streams, which only calls
  // with progress need.
  const stream = legacyStatelessFallback(createFor, onError)

  async function serveLegacy(
    request: Request,
    options: McpHandlerRequestOptions,
    body: unknown,
  ): Promise<Response> {
    if (request.method !== 'POST') return methodNotAllowed()
    if (asksForProgress(body)) return await stream(request, options)
    // Messages after the first one of a client name their revision.
    const isFirst = !request.headers.has('mcp-protocol-version')
    const sessionId = isFirst ? sessionIdFor(body) : undefined
    const server = createServer(called.get(request))
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
    const close = (): void => void server.close().catch(onError)
    // Closing the server aborts the tool call of a client that went away.
    request.signal.addEventListener('abort', close, { once: true })
    try {
      await server.connect(transport)
      return withSessionId(await transport.handleRequest(request, options), sessionId)
    } finally {
      request.signal.removeEventListener('abort', close)
      await server.close()
    }
  }

  const endpoint = {
    async fetch(request: Request, options: McpHandlerRequestOptions = {}): Promise<Response> {
      const body = await parseBody(request, options.parsedBody)
      const { count, tool } = readMessages(body)
      const refusal = count > 1 ? await admit(count) : undefined
      if (refusal !== undefined) return refusal
      if (tool !== undefined) called.set(request, tool)
      return (await isLegacyRequest(request, options.parsedBody))
        ? await serveLegacy(request, options, body)
        : await modern.fetch(request, options)
    },
  }
  return {
    handle: toNodeHandler(endpoint, { onerror: onError }),
    close: async () => await modern.close(),
  }
}
