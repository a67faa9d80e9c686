import type { Host } from '../host.js'
import { createColors, usesColors } from './colors.js'
import type { StandardStreams } from './standard-streams.js'
import { escapeUnsafe } from './unsafe-characters.js'

/** How a command writes. */
export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
}

/** Writes results to stdout and everything else to stderr. Made by {@link createOutput}. */
export interface Output {
  readonly json: boolean
  readonly quiet: boolean
  /** Whether the reader of stdout has gone away. */
  readonly closed: boolean
  /** Writes the result: one JSON document, or the lines for people. */
  result(document: Readonly<Record<string, unknown>>, lines: () => readonly string[]): void
  /** Writes one of many results: a line of JSON, or a line for people. Resolves when there is room. */
  record(document: Readonly<Record<string, unknown>>, line: () => string): Promise<void>
  /** Tells what happens, on stderr; silent with `--quiet`. With `--json` a line of JSON. */
  note(text: string): void
  /** Tells what went wrong or needs care, on stderr, always. With `--json` a line of JSON. */
  warn(text: string): void
}

/** One line of JSON, which a terminal may show too. */
function toJson(document: Readonly<Record<string, unknown>>): string {
  return escapeUnsafe(JSON.stringify(document))
}

/** Creates the output of one command. A reader that went away silences stdout and ends nothing else. */
export function createOutput(
  host: Host,
  streams: StandardStreams,
  { json, quiet, color }: OutputOptions,
): Output {
  const { stdout, stderr } = host
  const errorColors = createColors(usesColors(host, 'stderr', color))

  function write(text: string): Promise<void> {
    if (streams.closed) return Promise.resolve()
    return new Promise((resolve) => stdout.write(text, () => resolve()))
  }

  function tell(member: 'note' | 'warning', text: string, line: string): void {
    stderr.write(`${json ? toJson({ [member]: text }) : line}\n`)
  }

  return {
    json,
    quiet,
    get closed() {
      return streams.closed
    },
    result(document, lines) {
      void write(
        json
          ? `${toJson(document)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      )
    },
    record(document, line) {
      return write(`${json ? toJson(document) : line()}\n`)
    },
    note(text) {
      if (!quiet) tell('note', text, text)
    },
    warn(text) {
      tell('warning', text, `${errorColors.yellow('warning:')} ${text}`)
    },
  }
}
