/**
 * Runs work under one deadline. The work should stop when the signal fires, but is not waited for.
 *
 * @param outer - aborts the signal too, and ends the wait like the deadline.
 */
export async function withDeadline<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
  onTimeout: () => Result,
  outer?: AbortSignal,
): Promise<Result> {
  const controller = new AbortController()
  let stop: () => void = () => undefined
  const stopped = new Promise<Result>((resolve, reject) => {
    stop = () => {
      controller.abort()
      try {
        resolve(onTimeout())
      } catch (error) {
        reject(error)
      }
    }
  })
  const timer = setTimeout(stop, milliseconds)
  outer?.addEventListener('abort', stop, { once: true })
  if (outer?.aborted === true) stop()
  try {
    return await Promise.race([work(controller.signal), stopped])
  } finally {
    clearTimeout(timer)
    outer?.removeEventListener('abort', stop)
  }
}
