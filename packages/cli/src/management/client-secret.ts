import type { ClientWithSecret } from '@bestviable/mcp-authorization-server/management'
import { Option } from 'commander'
import * as z from 'zod/mini'
import type { CommandContext } from '../command.js'
import { CommandFailure } from '../failure.js'
import { requireFree, writePrivateFile } from '../files/private-file.js'

/** Flags that say where a new secret goes. */
export function secretFlags(): Option[] {
  return [
    new Option('--output <file>', 'write the secret into a file instead of stdout'),
    new Option('--force', 'replace the file when it is there'),
  ]
}

/** Members of {@link secretFlags}. */
export const secretOptions = {
  output: z.optional(z.string()),
  force: z._default(z.boolean(), false),
}

interface SecretTarget {
  readonly output?: string | undefined
  readonly force: boolean
}

/** Refuses early what {@link writeSecret} would refuse after the secret was made. */
export async function requireTarget({ output, force }: SecretTarget): Promise<void> {
  if (output !== undefined) await requireFree(output, { flag: '--output', replace: force })
}

/** Writes a client and, this once, its secret: to stdout, or into a file for its owner only (0600). */
export async function writeSecret(
  context: CommandContext,
  { client, clientSecret }: ClientWithSecret,
  { output, force }: SecretTarget,
): Promise<void> {
  if (clientSecret === undefined || output === undefined) {
    context.output.result(
      clientSecret === undefined ? { client } : { client, clientSecret },
      () => [
        `client id: ${client.clientId}`,
        ...(clientSecret === undefined ? [] : [`client secret: ${clientSecret}`]),
      ],
    )
    if (clientSecret !== undefined) context.output.note('the secret is shown this once')
    return
  }
  try {
    await writePrivateFile(output, { flag: '--output', replace: force }, (file) =>
      file.writeFile(clientSecret),
    )
  } catch (error) {
    const reason = error instanceof CommandFailure ? error.reason : 'configuration'
    const fix = `run: mcp-auth clients rotate-secret ${client.clientId}`
    const message = 'the secret was made and could not be written; nobody has it'
    throw new CommandFailure(reason, `${message}. To get another one, ${fix}`, { cause: error })
  }
  context.output.result({ client, output }, () => [
    `client id: ${client.clientId}`,
    `client secret: in ${output}`,
  ])
}
