/*
 * Measures everything, one program after the other, and writes `<program>-<Node.js major>.json` into the
 * folder of `--json-dir` (`results/` without it): about an hour on two cores that do nothing else. What
 * depends on the version of Node.js runs on 24 as well, where that is there. `--smoke` runs every program
 * for a few seconds, to show that it works. `--only=a,b` runs some of them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { findNode24 } from './lib/node-versions.mjs'

// Counts and sizes first: they say at once when something is broken.
const PROGRAMS = [
  { name: 'cache-effects' },
  { name: 'fetch-counts' },
  { name: 'size' },
  { name: 'instructions' },
  { name: 'pool', onBoth: true },
  { name: 'cold', onBoth: true },
  { name: 'verify', onBoth: true },
  { name: 'http', onBoth: true },
  { name: 'attack', onBoth: true },
  { name: 'growth' },
  { name: 'stores' },
  { name: 'authorization-server' },
]

const passed = process.argv.slice(2).filter((parameter) => !parameter.startsWith('--only='))
const only = process.argv.find((parameter) => parameter.startsWith('--only='))?.slice(7)
const chosen = only === undefined ? undefined : new Set(only.split(','))

async function run(name, node) {
  const start = performance.now()
  const program = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))
  const child = spawn(node.path, [program, '--json', ...passed], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(`\n--- ${name}, Node.js ${node.version}: ${seconds} s, exit ${code}`)
  return code === 0
}

const here = { path: process.execPath, version: process.version }
const node24 = process.version.startsWith('v24.') ? undefined : findNode24()
if (node24 === undefined && !process.version.startsWith('v24.')) {
  console.log('Node.js 24: skipped, no binary in NODE24 or node_modules/.cache/node-24/bin/node')
}

const failed = []
for (const { name, onBoth = false } of PROGRAMS) {
  if (chosen !== undefined && !chosen.has(name)) continue
  for (const node of onBoth && node24 !== undefined ? [here, node24] : [here]) {
    // One that fails leaves a gap in the report, not an end of the run.
    if (!(await run(name, node))) failed.push(`${name} on ${node.version}`)
  }
}
if (failed.length > 0) {
  console.log(`\nNot measured or not met: ${failed.join(', ')}`)
  process.exitCode = 1
}
