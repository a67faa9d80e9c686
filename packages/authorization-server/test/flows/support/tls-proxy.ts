import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from '../../clients/certificates.js'

/** A proxy that ends TLS for one host and hands on to a server on loopback. */
export interface TlsProxy {
  readonly port: number
  /** Requests for other hosts than that of the server, as `host` and path. */
  readonly received: URL[]
  close(): Promise<void>
}

/** What the proxy does. */
export interface TlsProxyOptions {
  readonly certificate: Certificate
  /** Public host of the server. */
  readonly host: string
  /** Port of the server, known once that has started. */
  readonly target: () => number
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding'])

/** Hands on under another `Host`, and says so in the headers that proxies use for it. */
function forward(
  { host, target }: TlsProxyOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const outgoing = httpRequest(
    {
      host: '127.0.0.1',
      port: target(),
      method: request.method,
      path: request.url,
      headers: {
        ...request.headers,
        host: 'notes.internal:8080',
        'x-forwarded-host': host,
        'x-forwarded-proto': 'https',
        'x-forwarded-for': '198.51.100.7',
        forwarded: `for=198.51.100.7;host=${host};proto=https`,
      },
    },
    (incoming) => {
      const headers = Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name))
      response.writeHead(incoming.statusCode ?? 502, Object.fromEntries(headers))
      incoming.pipe(response)
    },
  )
  outgoing.on('error', () => response.destroy())
  request.pipe(outgoing)
}

/** Starts the proxy. Other hosts are those of clients, which answer every request with a line of text. */
export async function startTlsProxy(options: TlsProxyOptions): Promise<TlsProxy> {
  const received: URL[] = []
  const server = createServer({ ...options.certificate }, (request, response) => {
    const { host = '', 'sec-fetch-dest': destination } = request.headers
    if (host === options.host) {
      forward(options, request, response)
      return
    }
    // A browser asks every site for its icon.
    if (destination === 'document') received.push(new URL(request.url ?? '/', `https://${host}`))
    response.writeHead(200, { 'content-type': 'text/plain' }).end('received')
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
