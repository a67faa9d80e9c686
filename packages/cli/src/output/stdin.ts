import { CommandFailure } from '../failure.js'
import type { Host } from '../host.js'

/** Removes line ends at the end, as `echo` and editors put them there. */
function withoutLineEnds(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end -= text[end - 2] === '\r' ? 2 : 1
  return text.slice(0, end)
}

/**
 * Reads standard input to its end as UTF-8, without trailing line ends.
 *
 * @throws {@link CommandFailure} when it is longer than `maximumBytes`, not UTF-8, or interrupted.
 */
export async function readStandardInput(host: Host, maximumBytes: number): Promise<string> {
  const { stdin, signal } = host
  const chunks: Uint8Array[] = []
  let bytes = 0
  const interrupted = () => new CommandFailure('interrupted', 'interrupted; nothing was changed')
  // An abort that is past is not told again.
  if (signal.aborted) throw interrupted()
  const stop = () => stdin.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of stdin) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array)
      bytes += piece.byteLength
      if (bytes > maximumBytes) {
        throw new CommandFailure('refused', `standard input is longer than ${maximumBytes} bytes`)
      }
      chunks.push(piece)
    }
  } catch (error) {
    if (signal.aborted) throw interrupted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (signal.aborted) throw interrupted()
  try {
    return withoutLineEnds(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new CommandFailure('refused', 'standard input is not UTF-8 text')
  }
}
