import { readFileSync } from 'node:fs'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { type EnvNaming, envVariableFor } from '@bestviable/mcp-auth-store-env'
import * as z from 'zod/mini'
import { CommandFailure } from '../failure.js'

const Naming = z.strictObject({
  prefix: z.optional(z.string()),
  providers: z.optional(z.record(z.string(), z.string())),
  users: z.optional(
    z.array(
      z.strictObject({
        provider: z.string(),
        issuer: z.string(),
        subject: z.string(),
        variable: z.optional(z.string()),
      }),
    ),
  ),
})

/**
 * Reads the JSON file of `--env-names`: the same `prefix`, `providers` and `users` as `envTokenStore`
 * takes in code.
 *
 * @throws {@link CommandFailure} when it cannot be read or has another shape.
 */
export async function readEnvNames(path: string | undefined): Promise<EnvNaming> {
  if (path === undefined) return {}
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    // The message of a JSON error quotes the text.
    const reason = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'
    throw new CommandFailure('configuration', `the file of --env-names ${reason}`)
  }
  const naming = Naming.safeParse(content)
  if (!naming.success) {
    const places = naming.error.issues.map(({ path: place }) => place.join('.') || '(file)')
    throw new CommandFailure(
      'configuration',
      `the file of --env-names must hold { prefix, providers, users } as envTokenStore takes them; see ${[...new Set(places)].join(', ')}`,
    )
  }
  try {
    // Finds malformed names before a store is opened.
    await envVariableFor({ provider: 'check', owner: { kind: 'service' } }, naming.data)
  } catch (error) {
    if (!isAuthError(error)) throw error
    throw new CommandFailure('configuration', `the file of --env-names: ${error.message}`)
  }
  return naming.data
}
