import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type * as z from 'zod/mini'
import { describeIssue } from '../describe-issue.js'

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
