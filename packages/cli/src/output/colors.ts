import { Writable } from 'node:stream'
import picocolors from 'picocolors'
import type { Host } from '../host.js'

/** Formatting functions of picocolors, switched on or off. */
export type Colors = ReturnType<typeof picocolors.createColors>

/**
 * Decides on colours for one stream: `--no-color`, then `NO_COLOR`, then `FORCE_COLOR`, then whether it
 * is a terminal.
 */
export function usesColors(
  host: Pick<Host, 'env' | 'isTerminal'>,
  stream: 'stdout' | 'stderr',
  flag: boolean,
): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = host.env
  if (!flag || (NO_COLOR !== undefined && NO_COLOR !== '')) return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0'
  return host.isTerminal[stream] && TERM !== 'dumb'
}

/** Creates the formatting functions. */
export function createColors(enabled: boolean): Colors {
  return picocolors.createColors(enabled)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the sequences that set colours.
const COLOR_SEQUENCE = /\u001b\[[\d;]*m/g

/** The stream that prompts and bars are drawn on: stderr, without the colours that they add by themselves. */
export function drawingStream(
  host: Pick<Host, 'env' | 'isTerminal' | 'stderr'>,
  flag: boolean,
): Writable {
  const { stderr } = host
  const colored = usesColors(host, 'stderr', flag)
  const drawing = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, callback) {
      stderr.write(colored ? chunk : String(chunk).replace(COLOR_SEQUENCE, ''))
      // At once, so that nothing is held back behind what is written to stderr itself.
      callback()
    },
  })
  for (const member of ['columns', 'rows', 'isTTY']) {
    // A terminal that does not know its size says 0, and every line would be one character long.
    Object.defineProperty(drawing, member, { get: () => Reflect.get(stderr, member) || undefined })
  }
  return drawing
}
