import type * as z from 'zod/mini'
import { ConfigurationError, type ConfigurationProblem } from './errors.js'

function formatPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(String(part)))
      text += text === '' ? String(part) : `.${String(part)}`
    else text += `[${JSON.stringify(String(part))}]`
  }
  return text === '' ? '(options)' : text
}

function describeIssue(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      message: 'unknown option; check its spelling',
    }))
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return [{ path: formatPath(issue.path), message: `is required (${issue.expected})` }]
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const alternatives = issue.errors.map((errors) => errors.map((each) => each.message).join(', '))
    return [{ path: formatPath(issue.path), message: [...new Set(alternatives)].join('; or ') }]
  }
  return [{ path: formatPath(issue.path), message: issue.message }]
}

/**
 * Validates the options of one public function and returns them with defaults applied.
 *
 * @throws {@link ConfigurationError} naming `subject` and listing every bad field.
 */
export function parseOptions<Schema extends z.ZodMiniType>(
  subject: string,
  schema: Schema,
  options: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(options, { reportInput: true })
  if (result.success) return result.data
  throw new ConfigurationError(subject, result.error.issues.flatMap(describeIssue))
}

/** Runs checks that look at several fields at once and throws one error for all that they report. */
export function checkOptions(subject: string, problems: readonly ConfigurationProblem[]): void {
  if (problems.length > 0) throw new ConfigurationError(subject, problems)
}
