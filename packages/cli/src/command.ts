import type { Option } from 'commander'
import type * as z from 'zod/mini'
import type { Variables } from './configuration/environment.js'
import type { Host } from './host.js'
import type { Output } from './output/output.js'
import type { Progress } from './output/progress.js'
import type { Prompts } from './output/prompts.js'

/** What a running command has at hand. */
export interface CommandContext {
  readonly host: Host
  /** Variables of the process and of `--env-file`. */
  readonly variables: Variables
  readonly output: Output
  readonly prompts: Prompts
  /** Starts to show progress; it is stopped when the command ends. */
  startProgress(label: string): Progress
}

/** One line of the examples in the help. */
export interface CommandExample {
  readonly command: string
  readonly explains: string
}

/** One command: what the help and the reference page say about it, and what it does. */
export interface CommandDefinition<Options> {
  /** Words after `mcp-auth`, for example `tokens set`. */
  readonly path: string
  /** Arguments as commander writes them, for example `<provider>`. */
  readonly arguments?: readonly { readonly name: string; readonly description: string }[]
  readonly summary: string
  /** What the summary leaves out: what is checked, and what is not. */
  readonly details?: string
  readonly flags: readonly Option[]
  readonly examples: readonly CommandExample[]
  /** Checks the flags; a flag without a member here is a fault. */
  readonly options: z.ZodMiniType<Options>
  run(context: CommandContext, options: Options, values: readonly string[]): Promise<void>
}

/** A command with its options checked inside. */
export interface Command {
  readonly definition: CommandDefinition<unknown>
  run(context: CommandContext, options: unknown, values: readonly string[]): Promise<void>
}

/** Binds a definition to its own options. */
export function defineCommand<Options>(definition: CommandDefinition<Options>): Command {
  return {
    definition: { ...definition, run: () => Promise.resolve() },
    run: (context, options, values) =>
      definition.run(context, definition.options.parse(options), values),
  }
}
