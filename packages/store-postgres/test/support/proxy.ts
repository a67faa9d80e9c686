import { createServer, connect as openSocket, type Server, type Socket } from 'node:net'

/**
 * - `pass`: forwards.
 * - `mute`: swallows bytes in both directions and closes nothing, like a network that drops packets. A
 *   connection that lost bytes stays mute for ever; others work again after `pass`.
 * - `reset`: answers every connection with RST, open ones at once.
 * - `refuse`: nothing listens; open connections are reset.
 */
export type ProxyMode = 'pass' | 'mute' | 'reset' | 'refuse'

/** A TCP proxy on 127.0.0.1 in front of a database. */
export interface TcpProxy {
  readonly port: number
  /** Connections that are open on the client's side. */
  readonly connections: number
  /** Packets that clients have sent. */
  readonly packets: number
  /** The same address by way of this proxy. */
  connectionString(target: string): string
  setMode(mode: ProxyMode): Promise<void>
  /** Delays every chunk, in both directions, by milliseconds. */
  setLatency(milliseconds: number): void
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  lost: boolean
}

/** Starts a proxy to a port of 127.0.0.1. */
export async function startProxy(target: { readonly port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let mode: ProxyMode = 'pass'
  let latency = 0
  let server: Server | undefined
  let port = 0
  let packets = 0

  function forward(pair: Pair, from: Socket, to: Socket): void {
    /** What is under way. Each due time sends the oldest, so that a shorter latency overtakes nothing. */
    const delayed: Buffer[] = []
    function sendOldest(): void {
      const chunk = delayed.shift()
      if (chunk !== undefined && !pair.lost) to.write(chunk)
    }
    from.on('data', (chunk) => {
      if (mode === 'mute') pair.lost = true
      if (pair.lost) return
      delayed.push(chunk)
      if (latency === 0 && delayed.length === 1) sendOldest()
      else setTimeout(sendOldest, latency)
    })
    from.on('error', () => {})
    from.on('close', () => {
      pairs.delete(pair)
      // A dropped packet tells nobody that the other side is gone.
      if (!pair.lost && mode !== 'mute') to.destroy()
      else if (from === pair.client) to.destroy()
    })
  }

  function accept(client: Socket): void {
    if (mode === 'reset') {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const upstream = openSocket({ port: target.port, host: '127.0.0.1' })
    const pair: Pair = { client, upstream, lost: false }
    pairs.add(pair)
    client.setNoDelay(true)
    upstream.setNoDelay(true)
    client.on('data', () => {
      packets += 1
    })
    forward(pair, client, upstream)
    forward(pair, upstream, client)
  }

  function resetAll(): void {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
  }

  async function listen(): Promise<void> {
    if (server !== undefined) return
    const next = createServer(accept)
    next.unref()
    await new Promise<void>((resolve, reject) => {
      next.once('error', reject)
      next.listen(port, '127.0.0.1', resolve)
    })
    server = next
    const address = next.address()
    if (address !== null && typeof address !== 'string') port = address.port
  }

  async function stopListening(): Promise<void> {
    const previous = server
    server = undefined
    resetAll()
    if (previous !== undefined) await new Promise((resolve) => previous.close(resolve))
  }

  await listen()
  return {
    get port() {
      return port
    },
    get connections() {
      return pairs.size
    },
    get packets() {
      return packets
    },
    connectionString(address) {
      const url = new URL(address)
      url.port = String(port)
      return url.href
    },
    async setMode(next) {
      mode = next
      if (next === 'refuse') return stopListening()
      if (next === 'reset') resetAll()
      await listen()
    },
    setLatency(milliseconds) {
      latency = milliseconds
    },
    close: stopListening,
  }
}
