import { ConfigurationError, type ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import type * as z from 'zod/mini'

function describeIssue(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'unknown option; check its spelling',
    }))
  }
  return [{ path: path === '' ? '(options)' : path, message: issue.message }]
}

/**
 * Validates options by a schema.
 *
 * @throws {@link ConfigurationError} with every bad field.
 */
export function parseOptions<Schema extends z.ZodMiniType>(
  subject: string,
  schema: Schema,
  options: unknown,
): z.infer<Schema> {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  throw new ConfigurationError(subject, parsed.error.issues.flatMap(describeIssue))
}
