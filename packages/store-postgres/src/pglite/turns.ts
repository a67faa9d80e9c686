import { statementTimeout } from '../database/database-errors.js'

/** How long a caller waits. */
export interface Wait {
  readonly milliseconds: number
  readonly signal?: AbortSignal | undefined
}

/** Lets one piece of work at a time use what cannot be shared. */
export interface Turns {
  /**
   * Runs work when all work before it has ended, and resolves as it does. `over` aborts when the caller
   * no longer waits; work that has not begun by then is left out, work that has goes on, and the next
   * begins after it.
   *
   * @throws {@link StoreUnavailableError} when the wait is over, or the reason of the signal.
   */
  run<Value>(work: (over: AbortSignal) => Promise<Value>, wait: Wait): Promise<Value>
}

/** Creates a queue, first come, first served. */
export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()

  return {
    async run(work, { milliseconds, signal }) {
      signal?.throwIfAborted()
      const over = new AbortController()
      return new Promise((resolve, reject) => {
        const onAbort = () => giveUp(signal?.reason)
        const timer = setTimeout(() => giveUp(statementTimeout()), milliseconds)
        function stopWaiting(): void {
          clearTimeout(timer)
          signal?.removeEventListener('abort', onAbort)
        }
        function giveUp(reason: unknown): void {
          stopWaiting()
          over.abort(reason)
          reject(reason)
        }
        signal?.addEventListener('abort', onAbort)
        last = last.then(async () => {
          if (over.signal.aborted) return
          try {
            resolve(await work(over.signal))
          } catch (error) {
            reject(error)
          } finally {
            stopWaiting()
          }
        })
      })
    },
  }
}
