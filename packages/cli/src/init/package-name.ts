import { builtinModules } from 'node:module'

const MAX_LENGTH = 214
const RESERVED: readonly string[] = ['node_modules', 'favicon.ico', ...builtinModules]
const SCOPE = /^@[a-z0-9~-][a-z0-9._~-]*\//
/** The name of an image, since the README builds one of this name. npm would take more. */
const NAME = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/

/** What is wrong with the name of an npm package and of its image; `undefined` when nothing is. */
export function packageNameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty'
  if (name.length > MAX_LENGTH) return `must have at most ${MAX_LENGTH} characters`
  if (!NAME.test(name.replace(SCOPE, ''))) {
    return 'must consist of lower-case letters and digits, with "-", "_" or "." between two of them; a scope such as "@acme/" may stand before it'
  }
  return RESERVED.includes(name) ? 'is a name that Node.js or npm has taken' : undefined
}
