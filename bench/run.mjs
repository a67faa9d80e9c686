/*
 * Runs every measurement, prints one table for each topic and writes `results/<Node.js major>.json`,
 * `results/stores-<Node.js major>.json` and `results/authorization-server-<Node.js major>.json`.
 *
 * `--gates` runs only what may fail a build: instructions, counted fetches and counted calls of stores.
 * Ends with 1 when a limit is exceeded, and with 75, the code for "skipped", when only valgrind was
 * missing.
 */
import { measureAttacks, printAttacks } from './attack.mjs'
import { reportAuthorizationServer } from './authorization-server.mjs'
import { measureHttpCpu, printHttpCpu } from './cpu.mjs'
import { countFetches, printFetchCounts } from './fetch-counts.mjs'
import { measureInstructions, printInstructions } from './instructions.mjs'
import { benchVersions, writeResults } from './lib/results.mjs'
import { measureMemory, printMemory } from './memory.mjs'
import { countStoreCalls, printStoreCounts } from './stores/counts.mjs'
import { reportStores } from './stores.mjs'
import { measureVerification, printVerification } from './verify.mjs'

const SKIPPED = 75
const gatesOnly = process.argv.includes('--gates')

const fetchCounts = await countFetches()
const fetchesKept = printFetchCounts(fetchCounts)
const storeCounts = await countStoreCalls()
const storeCountsKept = printStoreCounts(storeCounts)
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

  writeResults('', benchVersions(), {
    instructions,
    fetchCounts,
    verification,
    memory,
    httpCpu,
    attacks,
  })
  await reportStores(storeCounts)
  await reportAuthorizationServer()
}

if (!fetchesKept || !storeCountsKept || !instructionsKept) process.exitCode = 1
else if (instructions === undefined) process.exitCode = SKIPPED
