import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { findSuites, ROOT } from './find-suites.mjs'

/** What the nightly form asks of the suites. */
const LONG = {
  SECURITY_LONG: '1',
  CRASH_KILLS: '500',
  RACE_ROUNDS: '100',
  LOAD_CLIENTS: '200',
  LOAD_SECONDS: '60',
  MEMORY_SIGN_INS: '200',
  MEMORY_CALLS: '10000',
}

function environment(folder, isLong) {
  return { ...process.env, ...(isLong && LONG), SECURITY_FIGURES: folder, NO_COLOR: '1' }
}

/** How a test file ended: `undefined` when all of it passed. */
function outcomeOf(result) {
  if (result === undefined) return 'did not run'
  const failed = result.assertionResults.filter(({ status }) => status === 'failed')
  if (failed.length > 0) return `${failed.length} tests failed`
  if (result.status !== 'passed') return 'failed'
  const ran = result.assertionResults.some(({ status }) => status === 'passed')
  return ran ? undefined : 'was skipped'
}

/** Runs the test files that record figures, and returns those that did not pass. */
export async function runTests(folder, isLong) {
  const suites = findSuites()
  const work = mkdtempSync(join(tmpdir(), 'security-report-'))
  const output = join(work, 'results.json')
  const parameters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
  const child = spawn('npx', ['vitest', 'run', ...parameters, ...suites.map(({ path }) => path)], {
    cwd: ROOT,
    env: environment(folder, isLong),
    stdio: 'inherit',
  })
  await once(child, 'close')
  const results = existsSync(output) ? JSON.parse(readFileSync(output, 'utf8')).testResults : []
  rmSync(work, { recursive: true, force: true })
  const byPath = new Map(results.map((result) => [relative(ROOT, result.name), result]))
  return suites.flatMap(({ path, ids }) => {
    const outcome = outcomeOf(byPath.get(path))
    return outcome === undefined ? [] : [{ path, ids, outcome }]
  })
}

/** Reads what `.ci/conformance` printed: a line for each run, `ok` or `FAIL`, with its counts. */
export function readConformance(output) {
  const runs = [...output.matchAll(/^(ok {2}|FAIL) (.+?): (.+)$/gm)]
  const sum = (pattern) =>
    runs.reduce((total, [, , , counts]) => total + Number(pattern.exec(counts)?.[1] ?? 0), 0)
  const failedRuns = runs.filter(([, verdict]) => verdict === 'FAIL').length
  return {
    id: 'R19',
    part: 'official-suite',
    values: {
      runs: runs.length,
      'runs not as required': failedRuns,
      'checks passed': sum(/(\d+)(?:\/\d+)?(?: checks)? passed/),
      'checks failed': sum(/(\d+) failed/),
    },
    isMet: runs.length > 1 && failedRuns === 0 && /all runs as required/.test(output),
    method:
      'bash .ci/conformance: the official suite against the authorization server and the guard.',
    measuredAt: new Date().toISOString(),
    node: process.version,
  }
}

/** Runs the official conformance suite. */
export function runConformance(folder) {
  const { stdout } = spawnSync('bash', ['.ci/conformance'], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  })
  process.stdout.write(stdout)
  const part = readConformance(stdout)
  if (part.values.runs === 0) return
  writeFileSync(join(folder, `${part.id}.${part.part}.json`), `${JSON.stringify(part, null, 2)}\n`)
}

/** Runs the mutation tests, which take hours, and keep their scores by themselves. */
export function runMutation() {
  spawnSync(process.execPath, [join(ROOT, 'test/security/mutation/run.mjs')], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: 'inherit',
  })
}
