/*
 * Runs every measurement, prints one table for each topic and writes `results/<Node.js major>.json`.
 *
 * `--gates` runs only what may fail a build: instructions and counted fetches. Ends with 1 when a limit
 * is exceeded, and with 75, the code for "skipped", when only valgrind was missing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { measureAttacks, printAttacks } from './attack.mjs'
import { measureHttpCpu, printHttpCpu } from './cpu.mjs'
import { countFetches, printFetchCounts } from './fetch-counts.mjs'
import { measureInstructions, printInstructions } from './instructions.mjs'
import { measureMemory, printMemory } from './memory.mjs'
import { measureVerification, printVerification } from './verify.mjs'

const SKIPPED = 75
const gatesOnly = process.argv.includes('--gates')

function packageVersions() {
  const own = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
  return own.dependencies
}

const fetchCounts = await countFetches()
const fetchesKept = printFetchCounts(fetchCounts)
const instructions = await measureInstructions({ gatesOnly })
const instructionsKept = printInstructions(instructions)

if (!gatesOnly) {
  const verification = await measureVerification()
  printVerification(verification)
  const memory = measureMemory()
  printMemory(memory)
  const httpCpu = await measureHttpCpu()
  printHttpCpu(httpCpu)
  const attacks = await measureAttacks()
  printAttacks(attacks)

  const [major] = process.versions.node.split('.')
  const results = {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    openssl: process.versions.openssl,
    packages: packageVersions(),
    instructions,
    fetchCounts,
    verification,
    memory,
    httpCpu,
    attacks,
  }
  const path = new URL(`./results/${major}.json`, import.meta.url)
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`)
  console.log(`\nWritten to bench/results/${major}.json`)
}

if (!fetchesKept || !instructionsKept) process.exitCode = 1
else if (instructions === undefined) process.exitCode = SKIPPED
