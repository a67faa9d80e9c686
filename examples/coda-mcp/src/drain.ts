import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
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

async function sleepOfMachine(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal })
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

/** Drains on SIGTERM and SIGINT, then ends the process. A second signal ends it at once. */
export function drainOnSignals(
  drain: Drain,
  server: Server,
  onError: (error: unknown) => void,
): void {
  const signals = ['SIGTERM', 'SIGINT'] as const
  function begin(): void {
    // Without a listener, the next signal of either kind does what it does by default.
    for (const signal of signals) process.off(signal, begin)
    drain.begin(server).then(
      () => process.exit(0),
      (error: unknown) => {
        onError(error)
        process.exit(1)
      },
    )
  }
  for (const signal of signals) process.on(signal, begin)
}
