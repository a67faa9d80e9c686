import type { Principal } from '../principal.js'

/** How often open streams are compared with revocations, in milliseconds. */
const CHECK_INTERVAL = 1000

/** An open streaming answer that must end with its credential. */
interface OpenStream {
  readonly principal: Principal
  end(): void
}

/** Ends streaming answers when their credential expires or is revoked. */
export interface StreamWatch {
  /** Starts watching; call the result when the stream is over. */
  watch(principal: Principal, end: () => void): () => void
}

// Media types that stay open: server-sent events and line-wise JSON.
const STREAMING = /^(?:text\/event-stream|application\/x-ndjson|application\/json-seq)\b/i

/** Whether an answer of this media type is a stream that may outlive its credential. */
export function isStreaming(contentType: string | null | undefined): boolean {
  return contentType !== null && contentType !== undefined && STREAMING.test(contentType)
}

/**
 * Creates the watch. One timer serves all open streams, and none runs while there are none; expiry
 * and revocation are both seen within a second, whatever the length of the token's life.
 */
export function createStreamWatch(isActive: (principal: Principal) => boolean): StreamWatch {
  const open = new Set<OpenStream>()
  let timer: ReturnType<typeof setInterval> | undefined

  const isServed = (principal: Principal): boolean => {
    try {
      return isActive(principal)
    } catch {
      // A revocation source or validator that throws here would end the process from a timer.
      return false
    }
  }

  const check = (): void => {
    for (const stream of open) {
      if (isServed(stream.principal)) continue
      open.delete(stream)
      stream.end()
    }
    if (open.size === 0) stop()
  }
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }

  return {
    watch(principal, end) {
      const stream: OpenStream = { principal, end }
      open.add(stream)
      if (timer === undefined) {
        timer = setInterval(check, CHECK_INTERVAL)
        // In Node.js a timer keeps the process alive; an open stream does that by itself.
        if (typeof timer === 'object') timer.unref?.()
      }
      return () => {
        open.delete(stream)
        if (open.size === 0) stop()
      }
    },
  }
}
