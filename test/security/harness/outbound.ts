import { subscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'

/** Connections that a process has tried to open, as `address:port`, in order. */
export interface OutboundWatch {
  take(): readonly string[]
}

/**
 * Counts every TCP connection that this process tries to open: those of `fetch`, of `node:http` and of
 * database drivers. An attempt counts before it succeeds, so that refused ones are seen too.
 */
export function watchOutbound(): OutboundWatch {
  let attempts: string[] = []
  subscribe('net.client.socket', (message) => {
    const socket: unknown = Reflect.get(Object(message), 'socket')
    if (!(socket instanceof Socket)) return
    socket.on('connectionAttempt', (address: string, port: number) => {
      attempts.push(`${address}:${port}`)
    })
  })
  return {
    take() {
      const taken = attempts
      attempts = []
      return taken
    },
  }
}
