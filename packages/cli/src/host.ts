import type { Readable, Writable } from 'node:stream'

/** Everything outside the program that a command may touch, so that tests can run it in their process. */
export interface Host {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  /** Which of the streams a person sits at. */
  readonly isTerminal: {
    readonly stdin: boolean
    readonly stdout: boolean
    readonly stderr: boolean
  }
  /** Aborted by SIGINT or SIGTERM: the current batch is finished and the stores are closed. */
  readonly signal: AbortSignal
  readonly fetch: typeof fetch
  /** Epoch milliseconds. */
  readonly now: () => number
}
