import { Agent, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { listen } from './listen.js'

/** Something that answers `/health/ready`. */
export interface Upstream {
  readonly url: string
}

/** A small load balancer: it sends requests to the replicas that say they are ready, in turn. */
export interface FrontProxy {
  readonly origin: string
  /** Sends requests to a replica from now on, for as long as it is ready. */
  add(replica: Upstream): void
  remove(replica: Upstream): void
  /** Resolves when no request is sent to the replica any more. */
  left(replica: Upstream): Promise<void>
  close(): Promise<void>
}

const probeMilliseconds = 50

export async function startFrontProxy(): Promise<FrontProxy> {
  const ready = new Map<Upstream, boolean>()
  const waiting = new Map<Upstream, () => void>()
  const agent = new Agent({ keepAlive: true })
  let turn = 0

  const probing = new Set<Upstream>()

  async function probe(replica: Upstream): Promise<void> {
    // On a busy machine answers come later than the next probe.
    if (probing.has(replica)) return
    probing.add(replica)
    const answer = await fetch(`${replica.url}/health/ready`).catch(() => undefined)
    probing.delete(replica)
    if (!ready.has(replica)) return
    ready.set(replica, answer?.status === 200)
    if (answer?.status !== 200) waiting.get(replica)?.()
  }
  const timer = setInterval(() => {
    for (const replica of ready.keys()) void probe(replica)
  }, probeMilliseconds)

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => sendOnward(request, response, Buffer.concat(chunks)))
  }

  function sendOnward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const serving = [...ready].flatMap(([replica, isReady]) => (isReady ? [replica] : []))
    const replica = serving[turn++ % serving.length]
    if (replica === undefined) {
      response.writeHead(502).end('no replica is ready')
      return
    }
    const { method, url = '/', headers } = request
    const options = { agent, method, headers }
    const onward = send(new URL(url, replica.url), options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') {
        // Nobody has seen the request; the next probe tells when the replica is back.
        if (ready.has(replica)) ready.set(replica, false)
        sendOnward(request, response, body)
      } else if (response.headersSent) response.destroy()
      else {
        const connection = onward.reusedSocket ? 'a kept connection' : 'a new connection'
        const state = ready.get(replica) === true ? 'ready' : 'not ready'
        response.writeHead(502).end(`${error.message} on ${connection}, replica ${state}`)
      }
    })
    onward.end(body)
  }

  const { origin, close } = await listen(forward)
  return {
    origin,
    add: (replica) => void ready.set(replica, true),
    remove: (replica) => void ready.delete(replica),
    left: (replica) =>
      new Promise((resolve) => {
        if (ready.get(replica) !== true) resolve()
        else waiting.set(replica, resolve)
      }),
    async close() {
      clearInterval(timer)
      agent.destroy()
      await close()
    },
  }
}
