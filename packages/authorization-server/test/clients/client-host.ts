import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Certificate } from './certificates.js'

/** A web server that publishes documents of clients, on a loopback address. */
export interface ClientHost {
  readonly port: number
  /** TCP connections so far. */
  readonly connections: () => number
  readonly requests: readonly IncomingMessage[]
  /** Answers what follows. */
  answer(listener: RequestListener): void
  close(): Promise<void>
}

/** Starts a web server. */
export async function startClientHost(
  certificate: Certificate,
  { address = '127.0.0.1', port = 0 } = {},
): Promise<ClientHost> {
  let listener: RequestListener = (_request, response) => response.writeHead(404).end()
  let connections = 0
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  const server = createServer(
    { ...certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      requests.push(request)
      listener(request, response)
    },
  )
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return {
    port: bound.port,
    connections: () => connections,
    requests,
    answer: (next) => {
      listener = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
