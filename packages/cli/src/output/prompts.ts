import { confirm, isCancel, password } from '@clack/prompts'
import { CommandFailure } from '../failure.js'
import type { Host } from '../host.js'
import { drawingStream } from './colors.js'

/** Asks the person at the terminal. Made by {@link createPrompts}. */
export interface Prompts {
  /** Whether a person can be asked. */
  readonly available: boolean
  /** Asks for a value that is not shown. */
  secret(message: string): Promise<string>
  /**
   * Asks for a yes before something is destroyed.
   *
   * @throws {@link CommandFailure} when the answer is no, or nobody can be asked and `--yes` is absent.
   */
  requireConfirmation(message: string): Promise<void>
}

/** Creates the prompts of one command. They are drawn on stderr, so that stdout holds the result alone. */
export function createPrompts(
  host: Host,
  options: { readonly yes: boolean; readonly color: boolean },
): Prompts {
  const { stdin, isTerminal, signal } = host
  const available = isTerminal.stdin && isTerminal.stderr
  const output = drawingStream(host, options.color)
  const common = { input: stdin, output, signal, withGuide: false }

  return {
    available,
    async secret(message) {
      const value = await password({
        ...common,
        message,
        validate: (text) =>
          text === undefined || text === '' ? 'Type or paste the value' : undefined,
      })
      if (isCancel(value)) throw new CommandFailure('interrupted', 'cancelled; nothing was changed')
      return value
    },
    async requireConfirmation(message) {
      if (options.yes) return
      if (!available) {
        throw new CommandFailure(
          'usage',
          `${message}\nThis needs a confirmation and there is no terminal to ask; add --yes to go on.`,
        )
      }
      const answer = await confirm({ ...common, message, initialValue: false })
      if (isCancel(answer))
        throw new CommandFailure('interrupted', 'cancelled; nothing was changed')
      if (!answer) throw new CommandFailure('refused', 'not confirmed; nothing was changed')
    },
  }
}
