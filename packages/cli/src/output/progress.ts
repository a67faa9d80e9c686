import { progress, settings } from '@clack/prompts'
import type { Host } from '../host.js'
import { drawingStream } from './colors.js'
import type { Output } from './output.js'

/** Shows how far a long command is. Made by {@link startProgress}. */
export interface Progress {
  /** Tells how many are done; `total` may become known, or grow, on the way. */
  update(done: number, total?: number): void
  /** Ends it. Idempotent. */
  stop(): void
}

/** Milliseconds between two plain lines. */
const LINE_INTERVAL = 2000
const BAR_STEPS = 100

/** Plain lines, for logs: the first, the last, and one every two seconds. */
function startLines(output: Output, now: () => number, label: string): Progress {
  let text = ''
  let written = ''
  let writtenAt = Number.NEGATIVE_INFINITY

  function write(): void {
    if (text === written) return
    output.note(text)
    written = text
    writtenAt = now()
  }

  return {
    update(done, total) {
      text = `${label}: ${done}${total === undefined ? '' : ` of ${total}`}`
      if (now() - writtenAt >= LINE_INTERVAL) write()
    },
    stop: write,
  }
}

/** The keys on which the library ends the process at once, with 0. Ours must end in order. */
const CANCEL_KEYS = ['\u0003', 'escape'] as const

function startBar(host: Host, label: string, color: boolean): Progress {
  const output = drawingStream(host, color)
  const bar = progress({
    max: BAR_STEPS,
    output,
    withGuide: false,
    errorMessage: `${label}: stopping after the current batch`,
  })
  const { aliases } = settings
  const removed = CANCEL_KEYS.map((key) => [key, aliases.get(key)] as const)
  let shown = 0
  let stopped = false
  let text = label

  // The bar puts the terminal into raw mode, where Ctrl-C is a key and no longer a signal.
  function onKey(_text: unknown, key: { readonly ctrl?: boolean; readonly name?: string }): void {
    if (key?.ctrl === true && key.name === 'c') process.kill(process.pid, 'SIGINT')
  }

  for (const key of CANCEL_KEYS) aliases.delete(key)
  process.stdin.on('keypress', onKey)
  bar.start(label)
  return {
    update(done, total) {
      text = `${label}: ${done}${total === undefined ? '' : ` of ${total}`}`
      const reached =
        total === undefined || total === 0 ? shown : Math.floor((done / total) * BAR_STEPS)
      bar.advance(Math.max(0, reached - shown), text)
      shown = Math.max(shown, reached)
    },
    stop() {
      if (stopped) return
      stopped = true
      bar.stop(text)
      process.stdin.off('keypress', onKey)
      process.stdin.unref()
      for (const [key, action] of removed) if (action !== undefined) aliases.set(key, action)
    },
  }
}

/** Starts to show progress on stderr: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`. */
export function startProgress(
  host: Host,
  output: Output,
  options: { readonly label: string; readonly color: boolean },
): Progress {
  if (output.quiet) return { update() {}, stop() {} }
  // The bar reads keys from the terminal of the process; a test that hands over streams has none.
  const isOwnTerminal = host.isTerminal.stderr && host.stderr === process.stderr && !output.json
  return isOwnTerminal
    ? startBar(host, options.label, options.color)
    : startLines(output, host.now, options.label)
}
