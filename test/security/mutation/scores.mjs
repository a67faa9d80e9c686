import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GROUPS, mutatedFiles, testFiles } from './groups.mjs'
import { findListed, scoreOf } from './judge.mjs'

/** The score that figure R21 asks of every group, in per cent. */
export const GOAL = 90

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const SCORES = fileURLToPath(new URL('scores.json', import.meta.url))

const round = (value) => Math.round(value * 10) / 10

/** `a{b,c}d` as the texts that it stands for; one pair of braces in the whole pattern. */
function expandBraces(pattern) {
  const found = /^(.*)\{(.*)\}(.*)$/.exec(pattern)
  if (found === null) return [pattern]
  const [, before, choices, after] = found
  return choices.split(',').map((choice) => before + choice + after)
}

const literal = (text) => text.replace(/[.+^$()|[\]\\?]/g, '\\$&')

/** The files that a pattern names; `*` stands for a part of the last name. */
function expand(root, pattern) {
  const folder = dirname(pattern)
  if (!existsSync(join(root, folder))) return []
  const name = new RegExp(`^${basename(pattern).split('*').map(literal).join('.*')}$`)
  return readdirSync(join(root, folder))
    .filter((each) => name.test(each))
    .map((each) => `${folder}/${each}`)
}

/** Every file that a group mutates or tests with, as sorted paths from the root. */
export function filesOf(group, root = ROOT) {
  const patterns = [...mutatedFiles(group), ...testFiles(group)].flatMap(expandBraces)
  return [...new Set(patterns.flatMap((pattern) => expand(root, pattern)))].sort()
}

/** SHA-256 over the mutated sources and their tests, names and contents, as 64 hex digits. */
export function digestGroup(group, root = ROOT) {
  const digest = createHash('sha256')
  for (const path of filesOf(group, root)) {
    const content = readFileSync(join(root, path))
    digest.update(`${path}\n${content.length}\n`).update(content)
  }
  return digest.digest('hex')
}

/** What is kept of the result of a whole group. */
export function toScore({ detected, survivors, counts }, known, digest) {
  return {
    score: round(scoreOf(detected, survivors.length)),
    ...counts,
    listed: survivors.filter(({ survivor }) => findListed(known, survivor) !== undefined).length,
    date: new Date().toISOString(),
    node: process.version,
    digest,
  }
}

/** The kept scores by the names of their groups; none where nothing was measured yet. */
export function readScores(path = SCORES) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
}

/** Keeps the score of one group beside those of the others, in the order of the groups. */
export function writeScore(name, score, path = SCORES) {
  const all = { ...readScores(path), [name]: score }
  const names = Object.keys(GROUPS).filter((each) => each in all)
  const sorted = Object.fromEntries(names.map((each) => [each, all[each]]))
  writeFileSync(path, `${JSON.stringify(sorted, null, 2)}\n`)
}

function valuesOf({ score, killed, timeouts, survived, noCoverage, listed }) {
  return {
    'mutants noticed': killed + timeouts,
    'mutants survived': survived + noCoverage,
    'survivors with a reason': listed,
    'mutants survived (%)': round(100 - score),
  }
}

/**
 * The parts of figure R21: one for each group, with the date of its measurement. A group whose sources
 * or tests are no longer those that were measured is stale, and not met.
 *
 * @param {(group: import('./groups.mjs').Group) => string} digestOf
 */
export function scoreParts(scores, digestOf = digestGroup) {
  return Object.entries(GROUPS).map(([name, group]) => {
    const score = scores[name]
    const part = `mutants-${name}`
    const method = `Stryker over ${group.mutate.length} modules of ${group.package} (${name}), with their fast tests.`
    if (score === undefined) {
      const missing = { part: `${part} (not measured)`, values: {}, isMet: false, method }
      return { id: 'R21', ...missing, measuredAt: 'never', node: 'none' }
    }
    const isStale = score.digest !== digestOf(group)
    return {
      id: 'R21',
      part: isStale ? `${part} (stale)` : part,
      values: valuesOf(score),
      isMet: !isStale && score.score >= GOAL,
      method: isStale ? `${method} Stale: sources or tests have changed since.` : method,
      measuredAt: score.date,
      node: score.node,
    }
  })
}
