// Measures the figures R1 to R22 and writes docs/security/report.md and report.json. With --long it takes
// the nightly counts, and measures the mutation scores again; every other form takes R21 from the scores
// that test/security/mutation/scores.json keeps. With --from <folder> it takes the parts that runs have recorded already; such a
// report is partial, since nobody knows which suites did not run, and always blocks a release. With
// --scores it measures nothing, and takes R21 of the report that is there from the kept scores. With
// --check it measures nothing: it judges the report that is there, and fails when a release is blocked.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readScores, scoreParts } from '../mutation/scores.mjs'
import {
  aggregate,
  findBlockers,
  readParts,
  replaceScores,
  sumValues,
  withScores,
} from './aggregate.mjs'
import { ROOT } from './find-suites.mjs'
import { formatPage } from './page.mjs'
import { runConformance, runMutation, runTests } from './run-suites.mjs'
import { readVersions } from './versions.mjs'

const DATA = join(ROOT, 'docs/security/report.json')
const PAGE = join(ROOT, 'docs/security/report.md')

async function measure(isLong) {
  const folder = mkdtempSync(join(tmpdir(), 'security-figures-'))
  try {
    const failedSuites = await runTests(folder, isLong)
    runConformance(folder)
    if (isLong) runMutation()
    return { parts: readParts(folder), failedSuites }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function write({ parts, failedSuites }, form) {
  const report = {
    date: new Date().toISOString().slice(0, 10),
    form,
    versions: readVersions(),
    failedSuites,
    figures: aggregate(withScores(parts, scoreParts(readScores())), failedSuites),
  }
  save(report)
  return report
}

function save(report) {
  mkdirSync(join(ROOT, 'docs/security'), { recursive: true })
  writeFileSync(DATA, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(PAGE, formatPage(report, sumValues))
}

const readReport = () => JSON.parse(readFileSync(DATA, 'utf8'))

/** Says what blocks a release, and returns whether nothing does. */
function judge(report) {
  const partial = report.form === 'partial' ? ['the report is partial'] : []
  const blockers = [...partial, ...findBlockers(report)]
  for (const blocker of blockers) console.error(`blocks a release: ${blocker}`)
  return blockers.length === 0
}

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    from: { type: 'string' },
    scores: { type: 'boolean', default: false },
  },
})
if (values.check) {
  const report = readReport()
  const isFresh = readFileSync(PAGE, 'utf8') === formatPage(report, sumValues)
  if (!isFresh) console.error('docs/security/report.md is not what report.json gives')
  if (!judge(report) || !isFresh) process.exitCode = 1
} else if (values.scores) {
  const report = replaceScores(readReport(), scoreParts(readScores()))
  save(report)
  if (!judge(report)) process.exitCode = 1
} else {
  const { from, long } = values
  const measured =
    from === undefined ? await measure(long) : { parts: readParts(from), failedSuites: [] }
  const report = write(measured, from === undefined ? (long ? 'long' : 'short') : 'partial')
  for (const { id, figure, status, cause } of report.figures) {
    console.log(`${id.padEnd(4)} ${status.padEnd(14)} ${figure}${cause ? `: ${cause}` : ''}`)
  }
  if (!judge(report)) process.exitCode = 1
}
