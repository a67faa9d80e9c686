import { StoreUnavailableError } from '../errors.js'

/** Waits for a promise until a signal aborts. The work behind the promise goes on. */
export function untilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * Runs one store operation with a deadline, also when the store ignores the signal that it is given.
 *
 * @throws {@link StoreUnavailableError} at the deadline. An abort by the caller rejects with the
 *   reason of the caller's signal instead.
 */
export async function withDeadline<Value>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  operation: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const expire = () => {
    controller.abort(new StoreUnavailableError(`no answer within ${milliseconds} ms`))
  }
  // Timers run before sockets are read: after a stop of this process an answer may lie there unread.
  let timer = setTimeout(() => {
    timer = setTimeout(expire, 1)
  }, milliseconds - 1)
  const abort = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await untilAborted(operation(controller.signal), controller.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Resolves after a while, or rejects with the reason of the signal. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  return untilAborted(elapsed, signal).finally(() => clearTimeout(timer))
}
