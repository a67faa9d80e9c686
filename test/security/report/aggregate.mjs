import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GOALS } from './goals.mjs'

/** Values that are measured and not counted: over several parts the largest one counts. */
const MEASURED = /millisecond|per second|p99|\((?:ms|s|h|MB|MiB|%)\)|exit code|score/i

/** The parts that tests have recorded in a folder, in a fixed order. */
export function readParts(folder) {
  return readdirSync(folder)
    .filter((name) => /^R\d+\..+\.json$/.test(name))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}

/** Takes figure R21 from the kept scores alone, whatever the folder of a run has of it. */
export function withScores(parts, scores) {
  return [...parts.filter(({ id }) => id !== 'R21'), ...scores]
}

/** Adds what was counted, and takes the largest of what was measured. */
export function sumValues(parts) {
  const sums = {}
  for (const { values } of parts) {
    for (const [name, value] of Object.entries(values)) {
      const known = sums[name]
      if (known === undefined) sums[name] = value
      else sums[name] = MEASURED.test(name) ? Math.max(known, value) : known + value
    }
  }
  return sums
}

/** The part with the name of its test only, where many tests of one table have recorded. */
function describePart({ part, values, isMet, method, seed, measuredAt, node }) {
  return { part, values, isMet, method, ...(seed !== undefined && { seed }), measuredAt, node }
}

/** Why a figure is not met; `undefined` when it is. */
function causeOf({ id, unmeasured }, parts, failedSuites) {
  const failed = failedSuites.filter(({ ids }) => ids.includes(id)).map(({ path }) => path)
  if (failed.length > 0) return `failed or did not run: ${failed.join(', ')}`
  if (parts.length === 0) return `not measured: ${unmeasured ?? 'no test has recorded it'}`
  const missed = parts.filter(({ isMet }) => isMet !== true).map(({ part }) => part)
  return missed.length > 0 ? `not met: ${missed.join(', ')}` : undefined
}

/**
 * Puts the parts of all tests together into one figure for each goal.
 *
 * @param failedSuites - test files that failed or were skipped, with the figures that they record.
 */
export function aggregate(parts, failedSuites = []) {
  return GOALS.map((each) => {
    const { id, figure, goal, blocks = false } = each
    const own = parts.filter((part) => part.id === id)
    const cause = causeOf(each, own, failedSuites)
    const status = id === 'R20' && own.length === 0 ? 'not certified' : cause ? 'gap' : 'met'
    return {
      id,
      figure,
      goal,
      blocks,
      status,
      ...(cause !== undefined && { cause }),
      values: sumValues(own),
      parts: own.map(describePart),
    }
  })
}

/** The parts of figures as tests have recorded them. */
const partsOf = (figures) =>
  figures.flatMap(({ id, parts }) => parts.map((part) => ({ ...part, id })))

/** A report with the kept scores as they are now; what else was measured stays as it is. */
export const replaceScores = (report, scores) => ({
  ...report,
  figures: aggregate(withScores(partsOf(report.figures), scores), report.failedSuites),
})

/**
 * What keeps a report from a release: figures that block it and are not met. They are judged again from
 * the parts, so that a word in the report decides nothing.
 */
export function findBlockers({ figures, failedSuites }) {
  return aggregate(partsOf(figures), failedSuites)
    .filter(({ blocks, status }) => blocks && status !== 'met')
    .map(({ id, figure, cause }) => `${id} (${figure}): ${cause}`)
}
