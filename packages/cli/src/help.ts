import type { Command } from './command.js'
import { EXIT_CODE_MEANINGS, EXIT_CODES, type ExitReason } from './exit-codes.js'

const CODE_WIDTH = 5

/** Examples, below the options of one command. */
export function formatExamples({ definition }: Command): string {
  const lines = definition.examples.map(({ command, explains }) => `  # ${explains}\n  ${command}`)
  return `\nExamples:\n${lines.join('\n\n')}\n`
}

/** Exit codes, below the list of commands. */
export function formatExitCodes(): string {
  const reasons = Object.keys(EXIT_CODES) as ExitReason[]
  const lines = reasons.map(
    (reason) => `  ${String(EXIT_CODES[reason]).padEnd(CODE_WIDTH)}${EXIT_CODE_MEANINGS[reason]}`,
  )
  const more = 'Run a command with --help to see its options and examples.'
  return `\nExit codes:\n${lines.join('\n')}\n\n${more}\n`
}
