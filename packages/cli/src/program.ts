import { readFileSync } from 'node:fs'
import { Command as CommanderCommand, CommanderError } from 'commander'
import * as z from 'zod/mini'
import type { Command, CommandContext } from './command.js'
import { COMMANDS, GROUPS } from './commands.js'
import { readVariables } from './configuration/environment.js'
import { EXIT_CODES, type ExitCode } from './exit-codes.js'
import { CommandFailure, exitCodeOf, exitReasonOf, formatCauses, formatFailure } from './failure.js'
import { commonOptions } from './flags.js'
import { formatExamples, formatExitCodes } from './help.js'
import type { Host } from './host.js'
import { createColors, usesColors } from './output/colors.js'
import { createOutput, type OutputOptions } from './output/output.js'
import { type Progress, startProgress } from './output/progress.js'
import { createPrompts } from './output/prompts.js'
import { type StandardStreams, watchStreams } from './output/standard-streams.js'
import { describeUsage, formatUsageHint } from './usage.js'

const Common = z.object(commonOptions)

/** What the command line itself says about the output, before anything was parsed. */
function peekOutputOptions(argv: readonly string[]): OutputOptions & { readonly debug: boolean } {
  return {
    json: argv.includes('--json'),
    quiet: argv.includes('--quiet'),
    color: !argv.includes('--no-color'),
    debug: argv.includes('--debug'),
  }
}

/** The version of the installed package. */
function readVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return z.parse(z.object({ version: z.string() }), manifest).version
}

/** The parsed command line. */
interface Invocation {
  readonly command: Command
  readonly options: Record<string, unknown>
  readonly values: readonly string[]
}

/** Refuses options between a group and its subcommand, where they would have no effect. */
function requireOptionsAfter(parsed: CommanderCommand): void {
  const { parent } = parsed
  const early = Object.keys(parent?.opts() ?? {}).some(
    (name) => parent?.getOptionValueSource(name) === 'cli',
  )
  if (early) throw new CommandFailure('usage', 'write options after the last word of the command')
}

/** Builds the parser. `onCommand` is called with the one command that was chosen. */
export function createProgram(
  host: Pick<Host, 'stdout' | 'stderr'>,
  onCommand: (invocation: Invocation) => void,
): CommanderCommand {
  const program = new CommanderCommand('mcp-auth')
    .description(
      'Find out why clients do not connect, make servers, move credentials, rotate keys, back up.',
    )
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'show this help')
    .helpCommand(false)
    .addHelpText('after', formatExitCodes())
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
      outputError: () => {},
    })

  const groups = new Map<string, CommanderCommand>()
  for (const [name, description] of Object.entries(GROUPS)) {
    groups.set(name, program.command(name).description(description))
  }
  for (const command of COMMANDS) {
    const { path, summary, details, flags, arguments: parameters = [] } = command.definition
    const words = path.split(' ')
    const last = words.pop() ?? ''
    const parent = groups.get(words.join(' ')) ?? program
    // A group can be a command too, as `audit` is.
    const parsed = groups.get(path) ?? parent.command(last)
    parsed
      .summary(summary)
      .description(details === undefined ? summary : `${summary}\n\n${details}`)
      .addHelpText('after', formatExamples(command))
      .allowExcessArguments(false)
    for (const { name, description } of parameters) parsed.argument(name, description)
    for (const flag of flags) parsed.addOption(flag)
    parsed.action(() => {
      requireOptionsAfter(parsed)
      onCommand({ command, options: parsed.opts(), values: parsed.args })
    })
  }
  return program
}

function parse(argv: readonly string[], host: Host): Invocation | ExitCode {
  let invocation: Invocation | undefined
  const program = createProgram(host, (chosen) => {
    invocation = chosen
  })
  try {
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.help') return EXIT_CODES.usage
    if (error.exitCode === 0) return EXIT_CODES.ok
    throw describeUsage(error, argv)
  }
  return invocation ?? EXIT_CODES.usage
}

async function execute(
  host: Host,
  streams: StandardStreams,
  { command, options, values }: Invocation,
): Promise<void> {
  const { json, quiet, yes, color, envFile } = Common.parse(options)
  const running: Progress[] = []
  const output = createOutput(host, streams, { json, quiet, color })
  const context: CommandContext = {
    host,
    variables: readVariables(host.env, envFile),
    output,
    prompts: createPrompts(host, { yes, color }),
    startProgress(label) {
      const started = startProgress(host, output, { label, color })
      running.push(started)
      return started
    },
  }
  try {
    await command.run(context, options, values)
  } finally {
    for (const each of running) each.stop()
  }
}

/** Writes an error to stderr: lines for people, or with `--json` one line of JSON, the last one. */
function report(host: Host, argv: readonly string[], error: unknown): void {
  const { json, color, debug } = peekOutputOptions(argv)
  const reason = exitReasonOf(error)
  const message = formatFailure(error)
  const hint = reason === 'usage' ? formatUsageHint(argv) : undefined
  const causes = debug ? formatCauses(error) : undefined
  if (json) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    const ownCode = typeof code === 'string' ? code : undefined
    host.stderr.write(
      `${JSON.stringify({ error: reason, code: ownCode, message, hint, causes })}\n`,
    )
    return
  }
  const colors = createColors(usesColors(host, 'stderr', color))
  const lines = [`${colors.red('error:')} ${message}`, ...(hint ? [hint] : []), ...(causes ?? [])]
  for (const line of lines) host.stderr.write(`${line}\n`)
}

/** Whatever an interrupted run ended with, a person reads the same. */
function interruption(cause: unknown): CommandFailure {
  const message = 'interrupted; what was done stays done. Run the command again to go on'
  return new CommandFailure('interrupted', message, { cause })
}

/**
 * Runs one command line and resolves with the exit code. Never rejects and never ends the process;
 * writes to the streams of `host` alone.
 */
export async function run(argv: readonly string[], host: Host): Promise<ExitCode> {
  const streams = watchStreams(host)
  try {
    const invocation = parse(argv, host)
    const isDone = typeof invocation === 'number'
    if (!isDone) await execute(host, streams, invocation)
    await streams.finish()
    if (isDone) return invocation
    return host.signal.aborted ? EXIT_CODES.interrupted : EXIT_CODES.ok
  } catch (error) {
    const interrupted = host.signal.aborted
    report(host, argv, interrupted ? interruption(error) : error)
    return interrupted ? EXIT_CODES.interrupted : exitCodeOf(error)
  }
}
