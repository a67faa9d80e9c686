/** Requests at a steady rate, whether or not those before are answered. */
export interface SteadyTraffic {
  /** What was wrong, in the order in which it was noticed. */
  readonly failures: string[]
  /** Sends no more, and waits for what is under way. */
  stop(): Promise<void>
}

const MOST_TEXT = 3000

/** Calls `send` every `milliseconds` with a count from 1 on. What it rejects with is a failure. */
export function startSteadyTraffic(
  milliseconds: number,
  send: (tick: number) => Promise<void>,
): SteadyTraffic {
  const failures: string[] = []
  const pending = new Set<Promise<void>>()
  let tick = 0
  const timer = setInterval(() => {
    tick += 1
    const request = send(tick).catch((error: Error) => {
      failures.push(`${error.message} ${error.cause ?? ''}`.slice(0, MOST_TEXT))
    })
    pending.add(request)
    void request.finally(() => pending.delete(request))
  }, milliseconds)
  return {
    failures,
    async stop() {
      clearInterval(timer)
      await Promise.all(pending)
    },
  }
}
