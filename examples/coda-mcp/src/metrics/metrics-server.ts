import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Metrics } from './metrics.js'

/** The port on which Prometheus reads. */
export interface MetricsServer {
  readonly port: number
  /** Ends connections too. Idempotent. */
  close(): Promise<void>
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/'
}

function answer(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  })
  response.end(JSON.stringify({ error }))
}

/**
 * Serves `GET /metrics` on a port of its own, so that no proxy in front of the public port can show it.
 * It asks for no credential.
 *
 * @throws the error of `listen`, when the port cannot be had.
 */
export async function startMetricsServer(options: {
  readonly metrics: Metrics
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
}): Promise<MetricsServer> {
  const { metrics, host, port } = options
  const server = createServer((request, response) => {
    if (pathOf(request) !== '/metrics') return answer(response, 404, 'not_found')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, 'invalid_request')
    }
    metrics.format().then(
      (text) => {
        const { contentType } = metrics
        response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' })
        response.end(text)
      },
      () => answer(response, 500, 'server_error'),
    )
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
