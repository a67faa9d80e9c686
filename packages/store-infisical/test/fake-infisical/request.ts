import { ApiError, invalid } from './api-error.js'

/** One request after its parameters were read from the query or the JSON body. */
export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
  readonly bearer: string | undefined
}

type Parameters = Readonly<Record<string, unknown>>

export function requiredText(parameters: Parameters, name: string): string {
  const value = parameters[name]
  if (value === undefined) throw invalid(name, 'Required', 'invalid_type')
  if (typeof value !== 'string') throw invalid(name, 'Expected string', 'invalid_type')
  return value.trim()
}

export function optionalText(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name]
  if (value === undefined) return undefined
  // Not trimmed: the value of a secret has its own rule.
  if (typeof value !== 'string') throw invalid(name, 'Expected string', 'invalid_type')
  return value
}

export function flag(parameters: Parameters, name: string, initial: boolean): boolean {
  const value = parameters[name]
  if (value === undefined) return initial
  if (value === 'true' || value === true) return true
  if (value === 'false' || value === false) return false
  throw invalid(name, "Invalid enum value. Expected 'true' | 'false'", 'invalid_enum_value')
}

/** The rule for names of secrets at creation and renaming. */
export function newSecretName(name: string): string {
  if (name === '') throw invalid('secretName', 'String must contain at least 1 character(s)')
  if (/[:/]/.test(name)) {
    throw invalid('secretName', 'Secret name cannot contain colon or forward slash.')
  }
  return name
}

export function folderName(name: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return name
  throw invalid(
    'name',
    'Invalid folder name. Only alphanumeric characters, dashes, and underscores are allowed.',
  )
}

/** Machine identities have no personal secrets. */
export function requireShared(parameters: Parameters): void {
  const type = parameters.type
  if (type === undefined || type === 'shared') return
  if (type === 'personal') {
    throw new ApiError(400, 'BadRequest', 'Machine identities cannot use personal secrets')
  }
  throw invalid('type', "Invalid enum value. Expected 'shared' | 'personal'", 'invalid_enum_value')
}
