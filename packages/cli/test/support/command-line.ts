import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { ExitCode } from '../../src/exit-codes.js'
import type { Host } from '../../src/host.js'
import { run } from '../../src/program.js'

/** What a test gives to a command line. */
export interface CommandLineOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard input of a pipe. Default empty. */
  readonly input?: string
  /** Keys that a person types at a terminal, one text per prompt. Makes every stream a terminal. */
  readonly typed?: readonly string[]
  readonly isTerminal?: Partial<Host['isTerminal']>
  readonly signal?: AbortSignal
  /** Hears what is written to stdout when it is written. */
  readonly onStdout?: (text: string) => void
  readonly fetch?: typeof fetch
  readonly now?: () => number
}

/** What a command line did. */
export interface CommandLineResult {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
  /** stdout as one JSON document. */
  json(): unknown
}

/** Everything that any command line of this process wrote, for the search for canaries. */
export const everythingWritten: string[] = []

function collect(stream: PassThrough): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

/** A terminal that answers every prompt with the next text. */
function typingTerminal(stderr: PassThrough, typed: readonly string[]): PassThrough {
  const stdin = new PassThrough()
  const rest = [...typed]
  stderr.on('data', (chunk: Buffer) => {
    // A prompt draws its question and then waits; the cursor is hidden while it does.
    if (!chunk.toString().includes('\u001b[?25l')) return
    const text = rest.shift()
    if (text !== undefined) setTimeout(() => stdin.write(text), 20)
  })
  return stdin
}

/** Runs a command line in this process. The network is refused unless the test gives a `fetch`. */
export async function commandLine(
  argv: readonly string[],
  options: CommandLineOptions = {},
): Promise<CommandLineResult> {
  const { env = {}, input = '', typed, isTerminal = {} } = options
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const [out, err] = [collect(stdout), collect(stderr)]
  stdout.on('data', (chunk: Buffer) => options.onStdout?.(chunk.toString()))
  const onTerminal = typed !== undefined
  const code = await run(argv, {
    stdin:
      typed === undefined ? Readable.from([Buffer.from(input)]) : typingTerminal(stderr, typed),
    stdout,
    stderr,
    env,
    isTerminal: { stdin: onTerminal, stdout: onTerminal, stderr: onTerminal, ...isTerminal },
    signal: options.signal ?? new AbortController().signal,
    fetch: options.fetch ?? (() => Promise.reject(new TypeError('no network in this test'))),
    now: options.now ?? Date.now,
  })
  const result = { code, stdout: out(), stderr: err() }
  everythingWritten.push(result.stdout, result.stderr)
  return { ...result, json: () => JSON.parse(result.stdout) }
}

/** A folder of one test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
