/** Statuses of Stryker that count for the score, by the names of their counts. */
const DETECTED = { Killed: 'killed', Timeout: 'timeouts' }
const UNDETECTED = { Survived: 'survived', NoCoverage: 'noCoverage' }
const COUNTED = { ...DETECTED, ...UNDETECTED }

/**
 * A mutant that no test noticed.
 *
 * @typedef {object} Survivor
 * @property {string} file path from the root of the repository
 * @property {string} mutator
 * @property {string} original the source that was replaced, blanks joined
 * @property {string} replacement
 */

/**
 * Why a survivor may live: nobody can tell the difference, or what it costs to tell it is too much.
 *
 * @typedef {Survivor & { readonly reason: string }} KnownSurvivor
 */

const joined = (text) => text.replace(/\s+/g, ' ').trim()

/** Cuts the source of a mutant out of its file. */
function cut(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const last = lines.length - 1
  lines[last] = lines[last].slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  return joined(lines.join('\n'))
}

/** Reads the JSON report of Stryker: its counts, and what survived with its line. */
export function readReport(report) {
  const survivors = []
  const counts = { killed: 0, survived: 0, noCoverage: 0, timeouts: 0 }
  for (const [file, { source, mutants }] of Object.entries(report.files)) {
    for (const { status, mutatorName, replacement = '', location } of mutants) {
      if (status in COUNTED) counts[COUNTED[status]] += 1
      if (!(status in UNDETECTED)) continue
      const original = cut(source, location)
      survivors.push({
        line: location.start.line,
        survivor: { file, mutator: mutatorName, original, replacement: joined(replacement) },
      })
    }
  }
  return { detected: counts.killed + counts.timeouts, survivors, counts }
}

/** The share of mutants that tests noticed, in per cent. Nothing to notice counts as everything. */
export function scoreOf(detected, survived) {
  const all = detected + survived
  return all === 0 ? 100 : (100 * detected) / all
}

const MEMBERS = ['file', 'mutator', 'original', 'replacement']
const isSame = (one, other) => MEMBERS.every((member) => one[member] === other[member])

/** The entry of the list that has the reason of a survivor; `undefined` when it is not listed. */
export const findListed = (known, survivor) => known.find((entry) => isSame(entry, survivor))

/** Reports entries of the list that state nothing, so that a list is never filled in by a script. */
export function checkKnown(known) {
  return known
    .filter(
      (entry) =>
        MEMBERS.some((member) => typeof entry[member] !== 'string') ||
        typeof entry.reason !== 'string' ||
        entry.reason.trim().split(' ').length < 4,
    )
    .map((entry) => `survivors.json: ${JSON.stringify(entry)} needs all members and a reason`)
}

/**
 * Decides about the results of some groups: the score of each must be reached, and every survivor
 * must be listed with its reason.
 *
 * @param {readonly { name: string, detected: number, survivors: readonly { line: number, survivor: Survivor }[] }[]} groups
 * @param {readonly KnownSurvivor[]} known
 * @param {number} goal in per cent
 */
export function judge(groups, known, goal) {
  const problems = [...checkKnown(known)]
  for (const { name, detected, survivors } of groups) {
    const score = scoreOf(detected, survivors.length)
    if (score < goal) problems.push(`${name}: ${score.toFixed(1)} % is less than ${goal} %`)
    for (const { line, survivor } of survivors) {
      if (findListed(known, survivor) !== undefined) continue
      const { file, mutator, original, replacement } = survivor
      problems.push(
        `${file}:${line}: ${mutator} survived without a reason: ${original} -> ${replacement}`,
      )
    }
  }
  return problems
}
