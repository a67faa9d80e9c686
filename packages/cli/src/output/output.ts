import type { Host } from '../host.js'
import { type Colors, createColors, usesColors } from './colors.js'

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
  /** Colours of stdout. */
  readonly colors: Colors
  /** Whether the reader of stdout has gone away. */
  readonly closed: boolean
  /** Writes the result: one JSON document, or the lines for people. */
  result(document: Readonly<Record<string, unknown>>, lines: () => readonly string[]): void
  /** Writes one of many results: a line of JSON, or a line for people. Resolves when there is room. */
  record(document: Readonly<Record<string, unknown>>, line: () => string): Promise<void>
  /** Writes text to stdout as it is. */
  text(text: string): void
  /** Tells a person what happens, on stderr; silent with `--quiet`. */
  note(text: string): void
  /** Tells a person what went wrong or needs care, on stderr, always. */
  warn(text: string): void
}

function isBrokenPipe(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
}

/** Creates the output of one command. A reader that went away silences stdout and ends nothing else. */
export function createOutput(host: Host, { json, quiet, color }: OutputOptions): Output {
  const { stdout, stderr } = host
  const errorColors = createColors(usesColors(host, 'stderr', color))
  let closed = false

  stdout.on('error', (error) => {
    if (!isBrokenPipe(error)) throw error
    closed = true
  })
  // Nobody is left to tell.
  stderr.on('error', () => {})

  function write(text: string): Promise<void> {
    if (closed || stdout.destroyed) return Promise.resolve()
    return new Promise((resolve) => stdout.write(text, () => resolve()))
  }

  return {
    json,
    quiet,
    colors: createColors(usesColors(host, 'stdout', color)),
    get closed() {
      return closed || stdout.destroyed
    },
    result(document, lines) {
      void write(
        json
          ? `${JSON.stringify(document)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      )
    },
    record(document, line) {
      return write(`${json ? JSON.stringify(document) : line()}\n`)
    },
    text(text) {
      void write(text)
    },
    note(text) {
      if (!quiet) stderr.write(`${text}\n`)
    },
    warn(text) {
      stderr.write(`${errorColors.yellow('warning:')} ${text}\n`)
    },
  }
}
