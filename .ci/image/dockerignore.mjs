import { readFileSync } from 'node:fs'

/** A pattern of .dockerignore as an expression over paths relative to the context. */
function expression(pattern) {
  const source = pattern.replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*\*\/|\*\*|\*|\?/g, (wild) => {
    if (wild === '**/') return '(?:.*/)?'
    if (wild === '**') return '.*'
    return wild === '*' ? '[^/]*' : '[^/]'
  })
  // What matches a folder matches all that is in it.
  return new RegExp(`^${source}(?:/.*)?$`)
}

/** Reads the rules of a .dockerignore: the last one that matches decides. */
export function parseDockerignore(text) {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const include = line.startsWith('!')
      const pattern = (include ? line.slice(1) : line).replace(/^\/|\/$/g, '')
      return { include, pattern, expression: expression(pattern) }
    })
  const exceptions = rules.filter(({ include }) => include).map(({ pattern }) => pattern)
  return {
    /** Whether a file or folder is left out of the context. */
    ignores: (path) =>
      rules.reduce(
        (ignored, rule) => (rule.expression.test(path) ? !rule.include : ignored),
        false,
      ),
    /** Whether something in a folder that is left out may be let in again. */
    mayHoldExceptions: (folder) =>
      exceptions.some((pattern) => pattern.startsWith(`${folder}/`) || pattern.startsWith('**')),
  }
}

/** The rules of the context of a Dockerfile: those beside it win over those of the context. */
export function readDockerignore(dockerfile) {
  return parseDockerignore(readFileSync(`${dockerfile}.dockerignore`, 'utf8'))
}
