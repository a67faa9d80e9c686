import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Sockets that have sent a part of a request and go on as slowly as they like. */
export interface SlowSockets {
  /** How many the server has not closed yet. */
  readonly open: number
  /** Sends one more byte on each. */
  drip(byte: string): void
  /** Resolves when the server has closed all of them. */
  readonly allClosed: Promise<void>
  destroy(): void
}

const AT_ONCE = 250

/** Opens sockets to a port of 127.0.0.1, in groups that fit into the backlog, and writes to each. */
export async function openSlowSockets(
  port: number,
  count: number,
  textOf: (index: number) => string,
): Promise<SlowSockets> {
  const sockets = new Set<Socket>()
  const closings: Promise<unknown>[] = []
  for (let start = 0; start < count; start += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, index) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      // What the server says before it closes.
      socket.resume()
      sockets.add(socket)
      closings.push(
        once(socket, 'close').then(() => {
          sockets.delete(socket)
        }),
      )
      return new Promise<void>((resolve) => {
        socket.once('close', resolve)
        socket.once('connect', () => {
          socket.write(textOf(start + index), 'latin1', () => resolve())
        })
      })
    })
    await Promise.all(group)
  }
  return {
    get open() {
      return sockets.size
    },
    drip(byte) {
      for (const socket of sockets) socket.write(byte)
    },
    allClosed: Promise.all(closings).then(() => undefined),
    destroy() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
