/*
 * What may fail a build: instructions, counted fetches, counted calls of stores and what attacks leave in
 * the cache. None of it depends on how busy the machine is. `--all` counts the instructions of the gates of
 * the night too. Ends with 1 when a limit is exceeded, and with 75, the code for "skipped", when only
 * valgrind was missing.
 */
import { countCacheEffects, printCacheEffects } from './cache-effects.mjs'
import { countFetches, printFetchCounts } from './fetch-counts.mjs'
import { GATES } from './instructions/cases.mjs'
import { measureInstructions, printInstructions } from './instructions.mjs'
import { countStoreCalls, printStoreCounts } from './stores/counts.mjs'

const SKIPPED = 75

const kept = [
  printFetchCounts(await countFetches()),
  printCacheEffects(await countCacheEffects()),
  printStoreCounts(await countStoreCalls()),
]
const isNight = process.argv.includes('--all')
const instructions = await measureInstructions(GATES.filter(({ atNight }) => isNight || !atNight))
kept.push(printInstructions(instructions))

if (kept.includes(false)) process.exitCode = 1
else if (instructions === undefined) process.exitCode = SKIPPED
