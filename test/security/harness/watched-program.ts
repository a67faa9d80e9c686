import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { isWatchAnswer, type ProcessReport } from './process-report.js'

// Below the root, since packages are looked up from there.
const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/security/', import.meta.url))

/** Compiles a TypeScript program of these tests; packages stay outside, as their users load them. */
export async function compileProgram(source: URL): Promise<string> {
  mkdirSync(FOLDER, { recursive: true })
  const outfile = `${FOLDER}${basename(source.pathname, '.ts')}-${process.pid}.mjs`
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  return outfile
}

/** A process whose errors, warnings, connections, prototypes and event loop are watched. */
export interface WatchedProgram {
  readonly pid: number
  /** Everything it has written so far. */
  readonly output: { readonly stdout: string; readonly stderr: string }
  /** Makes the program do something. Rejects with what it threw. */
  ask<Answer>(action: string, given?: unknown): Promise<Answer>
  /** What happened in the process so far. */
  report(): Promise<ProcessReport>
  /** Resolves with the exit code, or the signal, and all output. */
  readonly ended: Promise<number | string>
  kill(signal: NodeJS.Signals): void
  /** Ends it, whatever it does. */
  stop(): Promise<void>
}

export interface WatchedProgramOptions {
  /** A compiled program. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  /** Options of Node.js, such as `--expose-gc`. */
  readonly nodeOptions?: readonly string[]
}

let preload: Promise<string> | undefined

function exchangeMessages(child: ChildProcess, output: () => string) {
  const waiting = new Map<number, { done(value: unknown): void; failed(error: Error): void }>()
  let count = 0
  let begin: () => void = () => undefined
  const ready = new Promise<void>((resolve) => {
    begin = resolve
  })
  child.on('message', (message: Record<string, unknown>) => {
    if (message.ready === true) return begin()
    const id = isWatchAnswer(message) ? message.watched : Number(message.answered)
    const asked = waiting.get(id)
    waiting.delete(id)
    if (isWatchAnswer(message)) asked?.done(message.report)
    else if (message.error === undefined) asked?.done(message.result)
    else asked?.failed(new Error(String(message.error)))
  })
  child.once('close', () => {
    for (const { failed } of waiting.values()) {
      failed(new Error(`the program has ended: ${output()}`))
    }
    waiting.clear()
  })
  child.once('close', begin)

  function send(makeMessage: (id: number) => Record<string, unknown>): Promise<unknown> {
    return new Promise((done, failed) => {
      count += 1
      waiting.set(count, { done, failed })
      child.send(makeMessage(count), (error) => {
        if (error !== null) failed(new Error(`the program has ended: ${output()}`))
      })
    })
  }
  return { send, ready }
}

/** Starts a compiled program under watch. */
export async function startWatched(options: WatchedProgramOptions): Promise<WatchedProgram> {
  preload ??= compileProgram(new URL('./watch-preload.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [...(options.nodeOptions ?? []), '--import', pathToFileURL(await preload).href, options.file],
    { env: options.env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk
    })
  }
  const { send, ready } = exchangeMessages(child, () => `${output.stdout}${output.stderr}`)
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  return {
    pid: child.pid ?? 0,
    output,
    ended,
    // Each action has one answer; the caller of this harness names its type.
    async ask<Answer>(action: string, given?: unknown) {
      await ready
      return (await send((ask) => ({ ask, action, given }))) as Answer
    },
    report: async () => (await send((watch) => ({ watch }))) as ProcessReport,
    kill: (signal) => void child.kill(signal),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}
