import type { Writable } from 'node:stream'
import { CommandFailure } from '../failure.js'
import type { Host } from '../host.js'

/** What became of stdout. Made by {@link watchStreams}. */
export interface StandardStreams {
  /** Whether the reader of stdout has gone away. */
  readonly closed: boolean
  /**
   * Waits until stdout took everything.
   *
   * @throws {@link CommandFailure} when it could not, for example on a full disk. A reader that went
   * away is no failure: it had what it wanted.
   */
  finish(): Promise<void>
}

/** Codes of a reader that went away, and of writing once more afterwards. */
const CLOSED_CODES: readonly string[] = ['EPIPE', 'ERR_STREAM_DESTROYED']

function codeOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : 'an error'
}

function drain(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    // The error of a write is told after its callback.
    const settle = () => setImmediate(resolve)
    if (stream.destroyed || stream.writableEnded) settle()
    else stream.write('', settle)
  })
}

/**
 * Takes the errors of stdout and stderr, which end the process where nobody does. Called before anything
 * is written.
 */
export function watchStreams({ stdout, stderr }: Pick<Host, 'stdout' | 'stderr'>): StandardStreams {
  let closed = false
  let failure: string | undefined

  stdout.on('error', (error) => {
    closed = true
    const code = codeOf(error)
    if (!CLOSED_CODES.includes(code)) failure ??= code
  })
  // Nobody is left to tell.
  stderr.on('error', () => {})

  return {
    get closed() {
      return closed || stdout.destroyed
    },
    async finish() {
      await drain(stdout)
      if (failure === undefined) return
      throw new CommandFailure('configuration', `stdout cannot be written (${failure})`)
    },
  }
}
