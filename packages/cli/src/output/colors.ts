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

/** Passes everything on but colours, for prompts that colour by themselves. */
export function withoutColors(stream: Writable): Writable {
  const plain = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, callback) {
      stream.write(String(chunk).replace(COLOR_SEQUENCE, ''), callback)
    },
  })
  for (const member of ['columns', 'rows', 'isTTY']) {
    Object.defineProperty(plain, member, { get: () => Reflect.get(stream, member) })
  }
  return plain
}
