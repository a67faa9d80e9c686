/*
 * Writes `docs/performance.md` and its plots from what `measure-all.mjs` measured.
 * `--json-dir FOLDER` reads other results, `--out FOLDER` writes elsewhere.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writePage } from './report/page.mjs'
import { drawPlots } from './report/plots.mjs'
import { readOptimisations, readResults } from './report/results.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { values } = parseArgs({
  options: {
    'json-dir': { type: 'string', default: here('./results') },
    out: { type: 'string', default: here('../docs') },
  },
})

const results = readResults(values['json-dir'])
if (results.size === 0) throw new Error(`--json-dir: no results in ${values['json-dir']}`)
const page = join(values.out, 'performance.md')
const images = join(dirname(page), 'images/performance')

const plots = drawPlots(results)
mkdirSync(images, { recursive: true })
for (const name of readdirSync(images)) {
  if (name.endsWith('.svg')) rmSync(join(images, name))
}
for (const { name, svg } of plots) writeFileSync(join(images, `${name}.svg`), svg)
const optimisations = readOptimisations(values['json-dir'])
writeFileSync(page, writePage(results, plots, optimisations))
console.log(`Written: ${page} and ${plots.length} plots`)
