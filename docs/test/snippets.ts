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

const SKIPPED = new Set([
  'node_modules',
  'dist',
  '.turbo',
  '.git',
  '.snippets',
  '.snippets-existing',
  '.vitepress',
])
/** The API reference is generated, and its blocks are signatures. */
const GENERATED = join(ROOT, 'docs/api')

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    if (SKIPPED.has(name)) return []
    const path = join(folder, name)
    if (path === GENERATED) return []
    if (statSync(path).isDirectory()) return filesBelow(path, ending)
    return name.endsWith(ending) && name !== 'CHANGELOG.md' ? [path] : []
  })
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** A fenced block of Markdown, also one in a list. */
export interface FencedBlock {
  readonly index: number
  readonly language: string
  readonly code: string
}

/** Every fenced block of a text, without the indent of the list that it stands in. */
export function fencedBlocks(text: string): FencedBlock[] {
  const fences = /^([ \t]*)(`{3,}|~{3,})([^`\n]*)\n([\s\S]*?)^\1\2[ \t]*$/gm
  return [...text.matchAll(fences)].map(
    ({ index, 1: indent = '', 3: language = '', 4: code = '' }) => ({
      index,
      language: language.trim(),
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )
}

function blocksOf(path: string, text: string): Snippet[] {
  return fencedBlocks(text)
    .filter(({ language }) => language === 'ts')
    .map(({ index, code }) => ({ place: `${relative(ROOT, path)}:${lineOf(text, index)}`, code }))
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
