import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { EndpointResponse } from '../../../packages/mcp-auth-middleware/src/testing/issuer/endpoint.js'
import { sendResponse } from '../../../packages/mcp-auth-middleware/src/testing/issuer/http-exchange.js'
import {
  RESPONSE_MODES,
  type ResponseMode,
  sendOutage,
} from '../../../packages/mcp-auth-middleware/src/testing/issuer/outages.js'

/** The ways of the test issuer, and those of a gateway: too many requests, half an answer. */
export const DEPENDENCY_MODES = [...RESPONSE_MODES, 'error-429', 'cut'] as const
export type DependencyMode = ResponseMode | 'error-429' | 'cut'

/** An HTTP server in the place of a dependency, which fails as it is told. */
export interface DependencyServer {
  readonly url: string
  /** Requests so far: method, path and body. */
  readonly requests: readonly string[]
  /** How it answers from now on; a function decides by the body of each request. */
  respond(mode: DependencyMode | ((body: string) => DependencyMode)): void
  close(): Promise<void>
}

export interface DependencyServerOptions {
  /** The right answer. */
  readonly answer: (request: IncomingMessage, body: string) => EndpointResponse
  /** In the texts of failures, so that it can be looked for. Default `out of order`. */
  readonly errorText?: string
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Starts a dependency on a free port of 127.0.0.1. */
export async function startDependencyServer(
  options: DependencyServerOptions,
): Promise<DependencyServer> {
  const { answer, errorText = 'out of order' } = options
  const requests: string[] = []
  let choose: (body: string) => DependencyMode = () => 'ok'

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    requests.push(`${request.method} ${request.url} ${body}`)
    const right = answer(request, body)
    const mode = choose(body)
    switch (mode) {
      case 'ok':
        return sendResponse(request, response, right)
      case 'error-429':
      case 'error-500': {
        const status = mode === 'error-429' ? 429 : 500
        const headers = { 'Retry-After': '60' }
        return sendResponse(request, response, { status, headers, body: errorText })
      }
      case 'html': {
        const headers = { 'Content-Type': 'text/html' }
        const page = `<!doctype html><title>${errorText}</title>`
        return sendResponse(request, response, { status: 200, headers, body: page })
      }
      case 'cut':
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' })
        response.write('{"')
        setImmediate(() => response.destroy())
        return
      default: {
        const elsewhere = `http://localhost:${port}${request.url}`
        return sendOutage(mode, request, response, elsewhere, async () => right)
      }
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    respond(mode) {
      choose = typeof mode === 'function' ? mode : () => mode
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
