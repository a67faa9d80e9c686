import type { RequestHandler } from 'express'

/** Holds requests until it lets them go on. */
export interface Gate {
  readonly handler: RequestHandler
  /** Requests that wait. */
  readonly held: number
  /** Resolves when one more waits. */
  next(): Promise<void>
  close(): void
  /** Lets so many of those that wait go on, all by default, and holds no others if none is left. */
  open(count?: number): void
}

/** Creates a gate for requests whose path ends so; others are not held. */
export function createGate(ending: string): Gate {
  const waiting: (() => void)[] = []
  const watching: (() => void)[] = []
  let isClosed = false
  return {
    handler: (request, _response, next) => {
      if (!isClosed || !request.path.endsWith(ending)) {
        next()
        return
      }
      waiting.push(next)
      for (const tell of watching.splice(0)) tell()
    },
    get held() {
      return waiting.length
    },
    next: () => new Promise((resolve) => watching.push(resolve)),
    close() {
      isClosed = true
    },
    open(count = waiting.length) {
      for (const resume of waiting.splice(0, count)) resume()
      isClosed = waiting.length > 0
    },
  }
}
