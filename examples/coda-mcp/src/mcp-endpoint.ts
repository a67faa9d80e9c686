import { type NodeMcpRequestHandler, toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  isLegacyRequest,
  type McpHandlerRequestOptions,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'

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

/**
 * Serves clients of every protocol revision without sessions: each request gets its own server from
 * `createServer` and one JSON answer, so any replica can serve any request.
 */
export function createMcpEndpoint(
  createServer: () => McpServer,
  onError: (error: Error) => void,
): McpEndpoint {
  const modern = createMcpHandler(createServer, {
    legacy: 'reject',
    onerror: onError,
  })

  // The SDK's own handling of revisions before 2026-07-28 answers with event streams.
  async function serveLegacy(
    request: Request,
    options: McpHandlerRequestOptions,
  ): Promise<Response> {
    if (request.method !== 'POST') return methodNotAllowed()
    const server = createServer()
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
    const close = (): void => void server.close().catch(onError)
    // Closing the server aborts the tool call of a client that went away.
    request.signal.addEventListener('abort', close, { once: true })
    try {
      await server.connect(transport)
      return await transport.handleRequest(request, options)
    } finally {
      request.signal.removeEventListener('abort', close)
      await server.close()
    }
  }

  const endpoint = {
    fetch: async (request: Request, options: McpHandlerRequestOptions = {}): Promise<Response> =>
      (await isLegacyRequest(request, options.parsedBody))
        ? await serveLegacy(request, options)
        : await modern.fetch(request, options),
  }
  return {
    handle: toNodeHandler(endpoint, { onerror: onError }),
    close: async () => await modern.close(),
  }
}
