import type { Server } from 'node:http'
import { constants } from 'node:os'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { NextFunction, Request, RequestHandler, Response } from 'express'

/** Options for {@link createDrain}. */
export interface DrainOptions {
  /** Longest time in seconds from the signal to the end of the last request. */
  readonly drainSeconds: number
  /**
   * How long new connections are still accepted, in seconds, since load balancers learn late that this
   * server is not ready. Default: a fifth of `drainSeconds`, 5 at most.
   */
  readonly acceptSeconds?: number | undefined
  /** Called first: the server is not ready any more. */
  readonly onBegin: () => void
  /** Called when pending answers are out or time is up, to end what is still open. */
  readonly onEnd?: (() => Promise<void>) | undefined
  /** Waits in milliseconds; tests replace it. */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined
}

/** Orderly end of a server. */
export interface Drain {
  /** Aborted when draining begins: waits end with what is known. */
  readonly signal: AbortSignal
  /** Goes before all routes: answers carry `Connection: close` while draining. */
  readonly middleware: RequestHandler
  /** Starts draining and resolves when every request has ended or time is up. Idempotent. */
  begin(server: Server): Promise<void>
}

/** Turns of the event loop without a new connection after which none waits. */
const QUIET_TURNS = 5

async function sleepOfMachine(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal })
}

/**
 * Accepts the connections that clients have made and this process has not got to yet. Node.js may take one
 * a turn of its event loop, and those that wait when it stops listening are reset with their requests.
 */
async function acceptWaiting(server: Server, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1_000
  let quiet = 0
  const onConnection = (): void => {
    quiet = 0
  }
  server.on('connection', onConnection)
  while (quiet < QUIET_TURNS && performance.now() < end) {
    quiet += 1
    await turn()
  }
  server.off('connection', onConnection)
}

/** Creates the orderly end of a server: not ready, waits end, pending answers go out, then it closes. */
export function createDrain(options: DrainOptions): Drain {
  const { drainSeconds, onBegin, onEnd, sleep = sleepOfMachine } = options
  const acceptSeconds = options.acceptSeconds ?? Math.min(5, drainSeconds / 5)
  const controller = new AbortController()
  const pending = new Set<Response>()
  let drained: Promise<void> | undefined

  async function pause(seconds: number, ended: AbortSignal): Promise<void> {
    try {
      await sleep(seconds * 1_000, ended)
    } catch (error) {
      if (!ended.aborted) throw error
    }
  }

  async function drain(server: Server): Promise<void> {
    controller.abort()
    onBegin()
    for (const response of pending) {
      if (!response.headersSent) response.setHeader('connection', 'close')
    }
    const closed = new AbortController()
    if (acceptSeconds > 0) await pause(acceptSeconds, closed.signal)
    await acceptWaiting(server, (drainSeconds - acceptSeconds) / 2)
    const finished = new Promise<void>((resolve) => {
      server.close(() => {
        closed.abort()
        resolve()
      })
    })
    server.closeIdleConnections()
    await Promise.race([finished, pause(drainSeconds - acceptSeconds, closed.signal)])
    await onEnd?.()
    server.closeAllConnections()
    await finished
  }

  return {
    signal: controller.signal,
    middleware: (_request: Request, response: Response, next: NextFunction): void => {
      if (controller.signal.aborted) response.setHeader('connection', 'close')
      pending.add(response)
      response.once('close', () => pending.delete(response))
      next()
    },
    begin: async (server) => {
      drained ??= drain(server)
      await drained
    },
  }
}

/** From now on the first signal drains this server, and a second one ends the process at once. */
export type DrainOnSignals = (
  drain: Drain,
  server: Server,
  onError: (error: unknown) => void,
) => void

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Ends the process on SIGTERM and SIGINT, from the first moment of a start on: process 1 of a container
 * takes no notice of a signal that it does not listen to. One listener stays all the time and changes
 * what it does, since Node.js loses a signal that arrives while one listener makes room for the next.
 *
 * @returns What to call when the server listens.
 */
export function endOnSignals(): DrainOnSignals {
  let end = (_signal: (typeof SIGNALS)[number]): void => process.exit(0)
  for (const signal of SIGNALS) process.on(signal, () => end(signal))

  return (drain, server, onError) => {
    end = () => {
      end = (signal) => process.exit(128 + constants.signals[signal])
      drain.begin(server).then(
        () => process.exit(0),
        (error: unknown) => {
          onError(error)
          process.exit(1)
        },
      )
    }
  }
}
