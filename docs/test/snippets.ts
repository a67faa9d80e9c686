import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the repository. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** One block of TypeScript in a document or a docstring. */
export interface Snippet {
  /** File and line, for messages. */
  readonly place: string
  readonly code: string
}

const SKIPPED = new Set(['node_modules', 'dist', '.turbo', '.git', '.snippets'])

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    if (SKIPPED.has(name)) return []
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return filesBelow(path, ending)
    return name.endsWith(ending) && name !== 'CHANGELOG.md' ? [path] : []
  })
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

function blocksOf(path: string, text: string): Snippet[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    place: `${relative(ROOT, path)}:${lineOf(text, match.index)}`,
    code: match[1] ?? '',
  }))
}

/** TypeScript blocks of all Markdown files. */
export function markdownSnippets(): Snippet[] {
  return filesBelow(ROOT, '.md').flatMap((path) => blocksOf(path, readFileSync(path, 'utf8')))
}

/** TypeScript blocks in the docstrings of all published packages. */
export function docstringSnippets(): Snippet[] {
  return readdirSync(join(ROOT, 'packages')).flatMap((name) =>
    filesBelow(join(ROOT, 'packages', name, 'src'), '.ts').flatMap((path) => {
      const text = readFileSync(path, 'utf8')
      // Comment stars are removed in place, so that line numbers stay right.
      return blocksOf(path, text.replace(/^ *\* ?(?!\/)/gm, ''))
    }),
  )
}
