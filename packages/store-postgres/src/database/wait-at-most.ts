import { statementTimeout } from './database-errors.js'

/**
 * Waits for work that others wait for too, without ending it.
 *
 * @throws {@link StoreUnavailableError} at the deadline, or the reason of the signal when that aborts.
 */
export function waitAtMost(
  work: Promise<void>,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => end(() => reject(signal?.reason))
    const timer = setTimeout(() => end(() => reject(statementTimeout())), milliseconds)
    function end(action: () => void): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      action()
    }
    signal?.addEventListener('abort', onAbort)
    work.then(
      () => end(resolve),
      (error: unknown) => end(() => reject(error)),
    )
  })
}
