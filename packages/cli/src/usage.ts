import type { CommanderError } from 'commander'
import { COMMANDS, GROUPS } from './commands.js'
import { secretArgumentFailure } from './credential-key.js'
import { CommandFailure } from './failure.js'

/** Words that a person may use for a value; such a flag was meant to carry the secret. */
const SECRET_FLAG = /^--?(?:value|secret|token|password|key|api-?key|credential)\b/i

/** Says what is wrong with the command line, without what was typed: it may be a secret. */
export function describeUsage(error: CommanderError, argv: readonly string[]): CommandFailure {
  const typed = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  switch (error.code) {
    case 'commander.unknownOption': {
      if (SECRET_FLAG.test(typed)) return secretArgumentFailure()
      const suggestion = /\(Did you mean (--[a-z-]+)\?\)/.exec(error.message)?.[1]
      const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`
      return new CommandFailure('usage', `unknown option${hint}`)
    }
    case 'commander.unknownCommand': {
      const suggestion = /\(Did you mean ([a-z]+)\?\)/.exec(error.message)?.[1]
      const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`
      return new CommandFailure('usage', `unknown command${hint}`)
    }
    case 'commander.excessArguments':
      return argv.join(' ').startsWith('tokens set ')
        ? secretArgumentFailure()
        : new CommandFailure('usage', 'too many arguments')
    case 'commander.invalidArgument': {
      const option = /^error: option '([^']+)'/.exec(error.message)?.[1] ?? 'an argument'
      const rule = /is invalid\. (.*)$/s.exec(error.message)?.[1] ?? ''
      return new CommandFailure('usage', `${option} is invalid. ${rule}`.trim())
    }
    default:
      return new CommandFailure('usage', error.message.replace(/^error: /, ''))
  }
}

/** Tells which help to read. Of what was typed only words that are commands are repeated. */
export function formatUsageHint(argv: readonly string[]): string {
  const paths = [...Object.keys(GROUPS), ...COMMANDS.map(({ definition }) => definition.path)]
  const typed = [argv.slice(0, 2), argv.slice(0, 1)].map((words) => words.join(' '))
  const path = typed.find((each) => paths.includes(each))
  return `Run "mcp-auth ${path === undefined ? '' : `${path} `}--help" to see how it is used.`
}
