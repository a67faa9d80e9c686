import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { describeIssue } from '../describe-issue.js'

const NAME_RULE = 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"'

/** Schema of a namespace or provider. */
export const Name = z
  .string({ error: NAME_RULE })
  .check(z.regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/, { error: NAME_RULE }))

/** Schema of a function that is called and not looked into. */
export function functionSchema<Value>(): z.ZodMiniType<Value> {
  return z.custom<Value>((value) => typeof value === 'function', { error: 'must be a function' })
}

/** Schema of an `AbortSignal`. */
export const Signal = z.custom<AbortSignal>(
  (value) => typeof value === 'object' && value !== null && 'aborted' in value,
  { error: 'must be an AbortSignal' },
)

/** Schema of an integer between two limits. */
export function integerSchema(minimum: number, maximum: number) {
  const error = `must be an integer from ${minimum} to ${maximum}`
  return z.int({ error }).check(z.gte(minimum, { error }), z.lte(maximum, { error }))
}

/**
 * Validates the options of one public function and returns them with defaults applied.
 *
 * @throws {@link ConfigurationError} listing every bad field.
 */
export function parseOptions<Schema extends z.ZodMiniType>(
  subject: string,
  schema: Schema,
  options: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(options)
  if (result.success) return result.data
  throw new ConfigurationError(subject, result.error.issues.flatMap(describeIssue))
}
