import { connect, createServer, type Socket } from 'node:net'

/** Another address of loopback at which a port of 127.0.0.1 is reached. */
export interface Forwarder {
  /** Nothing listens there any more, and what is open ends. */
  close(): Promise<void>
}

/** Listens at an address such as 127.0.0.2, which every Linux machine has. */
export async function startForwarder(address: string, port: number): Promise<Forwarder> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  return {
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
