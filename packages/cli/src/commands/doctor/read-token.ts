import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { CommandContext } from '../../command.js'
import { type Problems, readSetting } from '../../configuration/environment.js'
import { CommandFailure } from '../../failure.js'
import { readStandardInput } from '../../output/stdin.js'

const MAX_BYTES = 32_768

/**
 * Reads the access token of `--token`: from its variable or the file that this names, else typed at a
 * prompt, else from stdin. Never from the command line.
 *
 * @throws {@link CommandFailure} when there is none, or it is no token.
 */
export async function readAccessToken(context: CommandContext): Promise<string> {
  const { host, prompts, variables } = context
  const problems: Problems = []
  const set = readSetting(variables, 'MCP_AUTH_DOCTOR_TOKEN', problems)
  if (problems.length > 0) throw new ConfigurationError('mcp-auth', problems)
  const read = async (): Promise<string> => {
    if (set !== undefined) return set
    if (prompts.available) return prompts.secret('Access token that was refused')
    return readStandardInput(host, MAX_BYTES)
  }
  // People copy it with the word before it.
  const token = (await read()).trim().replace(/^Bearer +/i, '')
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new CommandFailure(
    'usage',
    token === ''
      ? '--token reads the token from MCP_AUTH_DOCTOR_TOKEN, from a prompt, or from stdin, and there is none'
      : 'what --token read is no access token: one holds no blanks and no other characters than ASCII',
  )
}
