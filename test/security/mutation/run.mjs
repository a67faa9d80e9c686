// Runs Stryker over the security modules and holds the result to its goal.
//
//   node test/security/mutation/run.mjs                     every group, for the night
//   node test/security/mutation/run.mjs headers jwt         some groups
//   node test/security/mutation/run.mjs --changed origin/main   only files changed since, for CI
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { GROUPS, mutatedFiles } from './groups.mjs'
import { judge, readReport, scoreOf } from './judge.mjs'

const GOAL = 90
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const known = JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8'))

function readArguments() {
  const { values, positionals } = parseArgs({
    options: { changed: { type: 'string' } },
    allowPositionals: true,
  })
  const unknown = positionals.filter((name) => !(name in GROUPS))
  if (unknown.length > 0) {
    throw new Error(`no group ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`)
  }
  return { names: positionals.length > 0 ? positionals : Object.keys(GROUPS), base: values.changed }
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

function runGroup(name, files, folder) {
  const result = join(folder, `${name}.json`)
  const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js')
  const { status } = spawnSync(process.execPath, [stryker, 'run', '--mutate', files.join(',')], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, MUTATION_GROUP: name, MUTATION_RESULT: result },
  })
  if (status !== 0) throw new Error(`${name}: Stryker ended with ${status}; do its tests pass?`)
  return { name, ...readReport(JSON.parse(readFileSync(result, 'utf8'))) }
}

/** Writes a part of figure R21, in the form of `test/security/support/figures.ts`. */
function recordFigure({ name, detected, survivors }) {
  const folder = process.env.SECURITY_FIGURES
  if (folder === undefined || folder === '') return
  const score = scoreOf(detected, survivors.length)
  const record = {
    id: 'R21',
    part: `mutants-${name}`,
    values: {
      'mutants noticed': detected,
      'mutants survived': survivors.length,
      'score, per cent': Math.round(score * 10) / 10,
    },
    isMet: score >= GOAL,
    method: `Stryker over ${GROUPS[name].mutate.length} modules of ${GROUPS[name].package}, with their fast tests`,
    measuredAt: new Date().toISOString(),
    node: process.version,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `R21.${record.part}.json`), `${JSON.stringify(record, null, 2)}\n`)
}

function print({ name, detected, survivors }) {
  const score = scoreOf(detected, survivors.length).toFixed(1)
  console.log(`${name}: ${score} %, ${detected} noticed, ${survivors.length} survived`)
  for (const { line, survivor } of survivors) {
    const { file, mutator, original, replacement } = survivor
    const reason = known.find((entry) => entry.file === file && entry.original === original)?.reason
    console.log(`  ${file}:${line} ${mutator}: ${original} -> ${replacement}`)
    console.log(`    ${reason ?? 'NO REASON STATED'}`)
  }
}

const { names, base } = readArguments()
const changed = base === undefined ? undefined : changedSince(base)
const folder = mkdtempSync(join(tmpdir(), 'mutation-'))
const groups = []
try {
  for (const name of names) {
    const files = selectFiles(GROUPS[name], changed)
    if (files.length === 0) continue
    const group = runGroup(name, files, folder)
    groups.push(group)
    print(group)
    // Only a whole group is the figure; the share of a few changed files says nothing about it.
    if (changed === undefined) recordFigure(group)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const problems = judge(groups, known, GOAL)
const detected = groups.reduce((sum, group) => sum + group.detected, 0)
const survived = groups.reduce((sum, group) => sum + group.survivors.length, 0)
console.log(
  groups.length === 0
    ? 'no security module was changed'
    : `${scoreOf(detected, survived).toFixed(1)} % of ${detected + survived} mutants were noticed`,
)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
