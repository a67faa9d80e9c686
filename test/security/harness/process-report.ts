import type { EventLoopFigures } from './event-loop.js'

/** What a watched process tells about itself. */
export interface ProcessReport {
  readonly nodeEnv: string | null
  /** Names of prototypes that changed since the process began (P01). */
  readonly changedIntrinsics: readonly string[]
  /** Since the last report that asked to begin anew (P10). */
  readonly eventLoop: EventLoopFigures
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  /** Connections it tried to open since the last report. */
  readonly outbound: readonly string[]
  /** What keeps the event loop alive, by kind: sockets, timers, servers. */
  readonly resources: Readonly<Record<string, number>>
  /** Memory in bytes, after a collection where the process exposes one. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number }
}

/** Sent to a watched process by its parent. */
export interface WatchQuestion {
  readonly watch: number
}

/** Sent back. */
export interface WatchAnswer {
  readonly watched: number
  readonly report: ProcessReport
}

/** Whether a message between processes is one of these, and not one of the program itself. */
export function isWatchQuestion(message: unknown): message is WatchQuestion {
  return typeof Reflect.get(Object(message), 'watch') === 'number'
}

export function isWatchAnswer(message: unknown): message is WatchAnswer {
  return typeof Reflect.get(Object(message), 'watched') === 'number'
}
