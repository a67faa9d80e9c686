import {
  ConfigurationError,
  type ConfigurationProblem,
  placeholderReason,
  StoreInvalidError,
} from '@bestviable/mcp-auth-middleware'
import type { SecretFileReader } from './secret-files.js'
import { baseVariable, type VariableNames } from './variable-names.js'

type Environment = Readonly<Record<string, unknown>>

/** What is wrong with one variable and its `_FILE` variant, in words without its value. */
function findProblem(env: Environment, variable: string): ConfigurationProblem | undefined {
  const file = `${variable}_FILE`
  if (env[variable] !== undefined && env[file] !== undefined) {
    return { path: variable, message: `is set beside ${file}; set one of the two` }
  }
  for (const path of [variable, file]) {
    const value = env[path]
    if (value === undefined) continue
    if (typeof value !== 'string') return { path, message: 'must be a string' }
    const reason = placeholderReason(value)
    if (reason !== undefined) return { path, message: `${reason}; set its value or unset it` }
  }
  return undefined
}

/** Lists the variables of this store that are set, without `_FILE`. */
export function listVariables(env: Environment, names: VariableNames): string[] {
  const set = new Set<string>()
  for (const name of Object.keys(env)) {
    for (const variable of [name, baseVariable(name)]) {
      // The name decides first: the value of a foreign variable is not even looked at.
      if (names.owns(variable) && env[name] !== undefined) set.add(variable)
    }
  }
  return [...set].sort()
}

/**
 * Checks every variable of this store that is set.
 *
 * @throws {@link ConfigurationError} listing all that are empty, unresolved, masked, or set twice.
 */
export function checkVariables(env: Environment, names: VariableNames): void {
  const problems = listVariables(env, names)
    .map((variable) => findProblem(env, variable))
    .filter((problem) => problem !== undefined)
  if (problems.length > 0) throw new ConfigurationError('envTokenStore', problems)
}

/**
 * Reads the value of one variable, or of the file that its `_FILE` variant names.
 *
 * @throws {@link StoreInvalidError} when the variable has become unusable since the start, or the file
 *   holds nothing, a placeholder or a masked value.
 * @throws {@link StoreUnavailableError} when the file cannot be read.
 */
export async function readVariable(
  env: Environment,
  variable: string,
  readFile: SecretFileReader,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const problem = findProblem(env, variable)
  if (problem !== undefined) throw new StoreInvalidError(`${problem.path} ${problem.message}`)
  const value = env[variable]
  if (typeof value === 'string') return value

  const file = `${variable}_FILE`
  const path = env[file]
  if (typeof path !== 'string') return undefined
  const content = await readFile(file, path, signal)
  const reason = placeholderReason(content)
  if (reason !== undefined) throw new StoreInvalidError(`the file that ${file} names ${reason}`)
  return content
}
