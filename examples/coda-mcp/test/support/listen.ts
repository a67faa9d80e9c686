import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'

/** A server on a free port of 127.0.0.1. */
export interface Listening {
  readonly origin: string
  readonly server: Server
  close(): Promise<void>
}

export async function listen(handler: RequestListener): Promise<Listening> {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    server,
    close: async () => {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
