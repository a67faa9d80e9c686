import { readFileSync } from 'node:fs'
import { userTokenVariable } from './user-token-variable.js'
import { documentationOf, variableNames } from './variables.js'

/** What is wrong with one variable and how to fix it. Never holds its value. */
export interface ConfigProblem {
  readonly variable: string
  readonly message: string
}

/** Variables of the process, as in `process.env`. */
export type RawEnvironment = Readonly<Record<string, string | undefined>>

/** Reads a file named by a `_FILE` variable. */
export type ReadFile = (path: string) => string

export const readFileOfDisk: ReadFile = (path) => readFileSync(path, 'utf8')

/** The value of a variable without surrounding blanks; an empty one counts as unset. */
export function readVariable(env: RawEnvironment, name: string): string | undefined {
  const value = env[name]?.trim()
  return value === '' ? undefined : value
}

function readSecretFile(
  name: string,
  path: string,
  readFile: ReadFile,
  problems: ConfigProblem[],
): string | undefined {
  const variable = `${name}_FILE`
  try {
    const value = readFile(path).trim()
    if (value !== '') return value
    problems.push({ variable, message: 'names a file that is empty' })
  } catch {
    problems.push({ variable, message: 'names a file that cannot be read; check path and owner' })
  }
  return undefined
}

/** Collects the known variables, with the content of `_FILE` variables in their place. */
export function collectVariables(
  env: RawEnvironment,
  readFile: ReadFile,
  problems: ConfigProblem[],
): Record<string, string> {
  const values: Record<string, string> = {}
  for (const name of variableNames) {
    const direct = readVariable(env, name)
    const path = readVariable(env, `${name}_FILE`)
    const fileAllowed = documentationOf(name)?.file === true
    if (path !== undefined && !fileAllowed) {
      problems.push({ variable: `${name}_FILE`, message: `does not exist; set ${name} itself` })
    } else if (path !== undefined && direct !== undefined) {
      problems.push({
        variable: `${name}_FILE`,
        message: `is set beside ${name}; remove one of the two`,
      })
    }
    const value =
      direct ??
      (path !== undefined && fileAllowed
        ? readSecretFile(name, path, readFile, problems)
        : undefined)
    if (value !== undefined) values[name] = value
  }
  return values
}

/** The variables that hold Coda tokens, for the env store. Empty ones are left out. */
export function codaTokenVariables(env: RawEnvironment): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const name of Object.keys(env)) {
    if (!/^CODA_API_TOKEN(_FILE)?$/.test(name) && !userTokenVariable.pattern.test(name)) continue
    const value = readVariable(env, name)
    if (value !== undefined) variables[name] = value
  }
  return variables
}

const ownPrefixes =
  /^(CF_ACCESS_|STYTCH_|OIDC_|OAUTH_|MCP_BEARER_|ALLOWED_|GRANTED_|DEFAULT_ADMIN_|METRICS_|MCP_RATE_|MCP_REFUSAL_|CODA_API_|CODA_CREDENTIAL)/
// Kubernetes sets these in every container, for each service of the namespace.
const setByKubernetes = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP)(_.*)?)?)$/

function similarity(first: string, second: string): number {
  const pairs = (text: string): Set<string> =>
    new Set(Array.from(text.slice(1), (letter, index) => `${text[index]}${letter}`))
  const [left, right] = [pairs(first), pairs(second)]
  return [...left].filter((pair) => right.has(pair)).length / (left.size + right.size)
}

function nearest(name: string): string | undefined {
  const [best] = [...variableNames].sort((a, b) => similarity(name, b) - similarity(name, a))
  return best
}

/** Finds misspelt variables, which would be ignored in silence: such an allow-list would admit everybody. */
export function findUnusableVariables(env: RawEnvironment): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const variable of Object.keys(env).sort()) {
    if (readVariable(env, variable) === undefined) continue
    const name = variable.replace(/_FILE$/, '')
    if (
      ownPrefixes.test(variable) &&
      !userTokenVariable.pattern.test(variable) &&
      !variableNames.includes(name) &&
      !setByKubernetes.test(variable) &&
      variable !== 'STYTCH_SECRET'
    ) {
      problems.push({
        variable,
        message: `is not a variable of this server; did you mean ${nearest(name)}?`,
      })
    }
  }
  return problems
}
