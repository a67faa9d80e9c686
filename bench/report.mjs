/*
 * Writes `docs/performance.md` and its plots from what `measure-all.mjs` measured.
 * `--json-dir=FOLDER` reads other results, `--out=FOLDER` writes elsewhere.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writePage } from './report/page.mjs'
import { drawPlots } from './report/plots.mjs'
import { readResults } from './report/results.mjs'

function option(name, initial) {
  const given = process.argv.find((parameter) => parameter.startsWith(`--${name}=`))
  return given?.slice(name.length + 3) ?? fileURLToPath(new URL(initial, import.meta.url))
}

const results = readResults(option('json-dir', './results'))
const page = join(option('out', '../docs'), 'performance.md')
const images = join(dirname(page), 'images/performance')

const plots = drawPlots(results)
mkdirSync(images, { recursive: true })
for (const name of readdirSync(images)) {
  if (name.endsWith('.svg')) rmSync(join(images, name))
}
for (const { name, svg } of plots) writeFileSync(join(images, `${name}.svg`), svg)
writeFileSync(page, writePage(results, plots))
console.log(`Written: performance.md and ${plots.length} plots`)
