import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import type * as z from 'zod/mini'

/** Describes what a schema found wrong with options: the path of the field and the rule, never its value. */
export function describeIssue(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'unknown option; check its spelling',
    }))
  }
  return [{ path: path === '' ? '(options)' : path, message: issue.message }]
}
