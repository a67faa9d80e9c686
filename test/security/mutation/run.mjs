// Runs Stryker over the security modules and holds the result to its goal.
//
//   node test/security/mutation/run.mjs                     every group, for the night
//   node test/security/mutation/run.mjs headers jwt         some groups
//   node test/security/mutation/run.mjs --incremental jwt   takes over what the last such run found out
//                                                           about mutants whose file and tests are the same
//   node test/security/mutation/run.mjs --changed origin/main   only files changed since, for CI
//
// The score of a whole group is kept in scores.json, from which the security report takes figure R21.
// Of changed files only the survivors count, which must be listed: their share says nothing about a group.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { GROUPS, mutatedFiles } from './groups.mjs'
import { findListed, judge, readReport, scoreOf } from './judge.mjs'
import { digestGroup, GOAL, ROOT, toScore, writeScore } from './scores.mjs'

const known = JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8'))

function readArguments() {
  const { values, positionals } = parseArgs({
    options: { changed: { type: 'string' }, incremental: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const unknown = positionals.filter((name) => !(name in GROUPS))
  if (unknown.length > 0) {
    throw new Error(`no group ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`)
  }
  const names = positionals.length > 0 ? positionals : Object.keys(GROUPS)
  return { names, base: values.changed, isIncremental: values.incremental }
}

function changedSince(base) {
  const git = spawnSync('git', ['diff', '--name-only', '--diff-filter=d', `${base}...`], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (git.status !== 0) throw new Error(`git cannot compare with ${base}: ${git.stderr.trim()}`)
  return git.stdout.split('\n').filter((path) => path !== '')
}

/** The files of a group to mutate; a pattern stands for what it matches among the changed ones. */
function selectFiles(group, changed) {
  const patterns = mutatedFiles(group)
  if (changed === undefined) return patterns
  return changed.filter((path) =>
    patterns.some((pattern) =>
      pattern.endsWith('/*.ts')
        ? path.startsWith(pattern.slice(0, -4)) &&
          /^[^/]+\.ts$/.test(path.slice(pattern.length - 4))
        : path === pattern,
    ),
  )
}

function runGroup(name, files, folder, isIncremental) {
  const result = join(folder, `${name}.json`)
  const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js')
  const kept = ['--incremental', '--incrementalFile', `.stryker-tmp/incremental-${name}.json`]
  const { status } = spawnSync(
    process.execPath,
    [stryker, 'run', '--mutate', files.join(','), ...(isIncremental ? kept : [])],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, MUTATION_GROUP: name, MUTATION_RESULT: result },
    },
  )
  if (status !== 0) throw new Error(`${name}: Stryker ended with ${status}; do its tests pass?`)
  return { name, ...readReport(JSON.parse(readFileSync(result, 'utf8'))) }
}

/** Measures a whole group and keeps its score, unless its files were changed meanwhile. */
function measureGroup(name, folder, isIncremental) {
  const digest = digestGroup(GROUPS[name])
  const group = runGroup(name, mutatedFiles(GROUPS[name]), folder, isIncremental)
  if (digestGroup(GROUPS[name]) !== digest) {
    throw new Error(`${name}: its sources or tests were changed while it was measured`)
  }
  writeScore(name, toScore(group, known, digest))
  return group
}

function print({ name, detected, survivors }) {
  const score = scoreOf(detected, survivors.length).toFixed(1)
  console.log(`${name}: ${score} %, ${detected} noticed, ${survivors.length} survived`)
  for (const { line, survivor } of survivors) {
    const { file, mutator, original, replacement } = survivor
    const reason = findListed(known, survivor)?.reason
    console.log(`  ${file}:${line} ${mutator}: ${original} -> ${replacement}`)
    console.log(`    ${reason ?? 'NO REASON STATED'}`)
  }
}

const { names, base, isIncremental } = readArguments()
const changed = base === undefined ? undefined : changedSince(base)
const folder = mkdtempSync(join(tmpdir(), 'mutation-'))
const groups = []
const failures = []
try {
  for (const name of names) {
    const files = selectFiles(GROUPS[name], changed)
    if (files.length === 0) continue
    try {
      const group =
        changed === undefined
          ? measureGroup(name, folder, isIncremental)
          : runGroup(name, files, folder, false)
      groups.push(group)
      print(group)
    } catch (error) {
      failures.push(error.message)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const problems = [...failures, ...judge(groups, known, changed === undefined ? GOAL : 0)]
const detected = groups.reduce((sum, group) => sum + group.detected, 0)
const survived = groups.reduce((sum, group) => sum + group.survivors.length, 0)
console.log(
  groups.length + failures.length === 0
    ? 'no security module was changed'
    : `${scoreOf(detected, survived).toFixed(1)} % of ${detected + survived} mutants were noticed`,
)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
