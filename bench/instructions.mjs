/*
 * Instructions per request, counted by callgrind: the numbers repeat whatever else the machine does.
 * Ends with 1 when a gate is missed.
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { CASES, GATES } from './instructions/cases.mjs'
import { countInstructions, hasCallgrind } from './lib/callgrind.mjs'
import { effort, isSmoke } from './lib/effort.mjs'
import { createFixture } from './lib/fixture.mjs'
import { isMain, printTable, runAll } from './lib/program.mjs'
import { benchVersions, writeResults } from './lib/results.mjs'

const CHILD = fileURLToPath(new URL('./instructions/child.mjs', import.meta.url))

/** Instructions of one request: repeated N times to warm up, then 2N times counted. */
async function perOperation(name, fixturePath) {
  const count = effort(CASES[name].count, 30)
  const total = await countInstructions([CHILD, name, String(count), fixturePath])
  return Math.round(total / (2 * count))
}

/**
 * Measures every case, or those of some gates, and judges the gates; `undefined` where callgrind cannot be had.
 */
export async function measureInstructions(chosenGates) {
  if (!hasCallgrind()) return undefined
  const gated = new Set(chosenGates?.flatMap((gate) => [gate.case, gate.of]))
  const names = Object.keys(CASES).filter((name) => chosenGates === undefined || gated.has(name))
  const fixture = createFixture()
  try {
    const counts = await runAll(names, availableParallelism(), (name) =>
      perOperation(name, fixture.path),
    )
    const instructions = Object.fromEntries(names.map((name, index) => [name, counts[index]]))
    const gates = (chosenGates ?? GATES).map((gate) => {
      const ratio = instructions[gate.case] / instructions[gate.of]
      return { ...gate, ratio, met: ratio <= gate.limit }
    })
    return { instructions, gates }
  } finally {
    fixture.remove()
  }
}

/** Prints the tables and returns whether all gates are met. */
export function printInstructions(measured) {
  if (measured === undefined) {
    console.log('\nInstructions: skipped, valgrind is not installed (apt-get install valgrind)')
    return true
  }
  const reference = measured.instructions['SDK v1 + jose, warm']
  printTable(
    'Instructions per request (callgrind)',
    ['case', 'instructions', 'of SDK v1 + jose'],
    Object.entries(measured.instructions).map(([name, count]) => [
      name,
      count,
      (count / reference).toFixed(3),
    ]),
  )
  printTable(
    'Gates on instructions',
    ['gate', 'ratio', 'limit', ''],
    measured.gates.map(({ case: name, of, ratio, limit, met }) => [
      `${name} / ${of}`,
      ratio.toFixed(4),
      limit,
      met ? 'met' : 'MISSED',
    ]),
  )
  return measured.gates.every(({ met }) => met)
}

if (isMain(import.meta.url)) {
  const measured = await measureInstructions()
  const areKept = printInstructions(measured)
  if (process.argv.includes('--json') && measured !== undefined) {
    writeResults('instructions', benchVersions(), measured)
  }
  // A smoke run counts the compiler, not the code.
  process.exitCode = areKept || isSmoke ? 0 : 1
}
