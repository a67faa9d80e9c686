import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type ConfigurationProblem, placeholderReason } from '@bestviable/mcp-auth-middleware'
import { CommandFailure } from '../failure.js'
import type { VariableName } from './variables.js'

/** Variables, as they are set: those of the process, then those of `--env-file`. */
export type Variables = Readonly<Record<string, string | undefined>>

/** Collects everything that is missing or malformed, so that one error can list it. */
export type Problems = ConfigurationProblem[]

function errorCode(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : 'an error'
}

/** Reads a file that an option or a variable names. */
function readText(path: string): { readonly text: string } | { readonly failure: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) }
  } catch (error) {
    return { failure: `names a file that cannot be read (${errorCode(error)})` }
  }
}

/**
 * Merges the variables of the process with those of a file. A variable of the process wins.
 *
 * @throws {@link CommandFailure} when the file cannot be read.
 */
export function readVariables(
  env: Variables,
  envFile: string | undefined,
  option: '--env-file' | '--config' = '--env-file',
): Variables {
  if (envFile === undefined) return env
  const file = readText(envFile)
  if ('failure' in file) throw new CommandFailure('configuration', `${option} ${file.failure}`)
  return { ...parseEnv(file.text), ...env }
}

function withoutLineEnds(text: string): string {
  return text.replace(/(?:\r?\n){1,16}$/, '')
}

/**
 * Reads one setting, or the file that its `_FILE` variant names. What is wrong is added to `problems`
 * without the value.
 */
export function readSetting(
  variables: Variables,
  name: VariableName,
  problems: Problems,
): string | undefined {
  const file = `${name}_FILE`
  const direct = variables[name]
  const path = variables[file]
  const problem = (where: string, message: string) => {
    problems.push({ path: where, message })
    return undefined
  }

  if (direct !== undefined && path !== undefined) {
    return problem(name, `is set beside ${file}; set one of the two`)
  }
  for (const [where, value] of [
    [name, direct],
    [file, path],
  ] as const) {
    const reason = value === undefined ? undefined : placeholderReason(value)
    if (reason !== undefined) return problem(where, `${reason}; set its value or unset it`)
  }
  if (path === undefined) return direct

  const content = readText(path)
  if ('failure' in content) return problem(file, content.failure)
  const value = withoutLineEnds(content.text)
  const reason = placeholderReason(value)
  return reason === undefined ? value : problem(file, `names a file whose content ${reason}`)
}
