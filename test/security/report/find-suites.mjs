import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FIGURES = join(ROOT, 'test/security/support/figures.ts')
const FOLDERS = ['packages', 'examples', 'test']
const SKIPPED = new Set(['node_modules', 'dist', 'src', '.turbo'])
const IMPORT = /(?:from|import) '(\.[^']+)'/g
/** A figure as `recordFigure` is given it. */
const ID = /\bid: '(R\d+)'/g

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : testFiles(path)
    return entry.name.endsWith('.test.ts') ? [path] : []
  })
}

function importsOf(path, text) {
  return [...text.matchAll(IMPORT)]
    .map(([, specifier]) => resolve(dirname(path), specifier.replace(/\.js$/, '.ts')))
    .filter((each) => each.endsWith('.ts') && existsSync(each))
}

/** Every file that a file imports, by whatever way, itself included, as far as it is test code. */
function reach(path, seen = new Map()) {
  if (seen.has(path) || path.includes('/src/')) return seen
  const text = readFileSync(path, 'utf8')
  seen.set(path, text)
  for (const each of importsOf(path, text)) reach(each, seen)
  return seen
}

/** The test files that record figures, with the ids that they or their support name. */
export function findSuites(root = ROOT) {
  return FOLDERS.flatMap((folder) => testFiles(join(root, folder)))
    .map((path) => ({ path, files: reach(path) }))
    .filter(({ files }) => files.has(FIGURES))
    .map(({ path, files }) => {
      const texts = [...files].filter(([file]) => file !== FIGURES).map(([, text]) => text)
      const recording = texts.filter((text) => text.includes('recordFigure('))
      const ids = recording.flatMap((text) => [...text.matchAll(ID)].map(([, id]) => id))
      return { path: relative(root, path), ids: [...new Set(ids)].sort() }
    })
    .filter(({ ids }) => ids.length > 0)
    .sort((one, other) => one.path.localeCompare(other.path))
}
