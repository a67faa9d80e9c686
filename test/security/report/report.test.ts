import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GROUPS } from '../mutation/groups.mjs'
import { scoreParts } from '../mutation/scores.mjs'
import {
  aggregate,
  findBlockers,
  type RecordedPart,
  type Report,
  replaceScores,
  sumValues,
  withScores,
} from './aggregate.mjs'
import { findSuites } from './find-suites.mjs'
import { formatPage } from './page.mjs'
import { readConformance } from './run-suites.mjs'

const BLOCKING = ['R1', 'R2', 'R4', 'R10', 'R11', 'R13', 'R16', 'R17', 'R18', 'R22']
const IDS = Array.from({ length: 22 }, (_, index) => `R${index + 1}`)

const partOf = (id: string, change: Partial<RecordedPart> = {}): RecordedPart => ({
  id,
  part: 'a-test',
  values: { tried: 1, wrong: 0 },
  isMet: true,
  method: 'It was counted.',
  measuredAt: '2026-11-22T08:00:00.000Z',
  node: 'v20.20.2',
  ...change,
})
const all = IDS.filter((id) => id !== 'R20').map((id) => partOf(id))

function reportOf(
  parts: readonly RecordedPart[],
  failedSuites: Report['failedSuites'] = [],
): Report {
  return {
    date: '2026-11-22',
    form: 'short',
    versions: { 'Node.js': 'v20.20.2' },
    failedSuites,
    figures: aggregate(parts, failedSuites),
  }
}

describe('aggregate()', () => {
  it('meets every goal but the certification when all parts are met', () => {
    const figures = aggregate(all)
    expect(figures.map(({ id }) => id)).toEqual(IDS)
    expect(figures.filter(({ status }) => status !== 'met')).toMatchObject([
      { id: 'R20', status: 'not certified' },
    ])
    expect(findBlockers(reportOf(all))).toEqual([])
  })

  it.each(IDS)('has a gap with its cause where %s was not recorded or is not met', (id) => {
    const others = all.filter((part) => part.id !== id)
    const missing = aggregate(others).find((figure) => figure.id === id)
    expect(missing?.status).toBe(id === 'R20' ? 'not certified' : 'gap')
    expect(missing?.cause).toMatch(/^not measured: /)
    const bad = partOf(id, { part: 'bad', isMet: false })
    const missed = aggregate([...all, bad]).find((figure) => figure.id === id)
    expect(missed).toMatchObject({ status: 'gap', cause: 'not met: bad' })
    const blocks = BLOCKING.includes(id) ? 1 : 0
    expect(findBlockers(reportOf(others))).toHaveLength(blocks)
    expect(findBlockers(reportOf([...others, bad]))).toHaveLength(blocks)
  })

  it('has a gap where a suite failed that would have recorded more', () => {
    const failed = [{ path: 'x.test.ts', ids: ['R10'], outcome: '1 tests failed' }]
    expect(findBlockers(reportOf(all, failed))).toEqual([
      expect.stringMatching(/^R10 .*failed or did not run: x\.test\.ts$/),
    ])
  })

  it('adds what is counted and takes the largest of what is measured', () => {
    const values = [
      { 'requests lost': 1, 'milliseconds until full service': 300, 'heap (MB)': 2 },
      { 'requests lost': 2, 'milliseconds until full service': 200, 'heap (MB)': 3 },
    ]
    expect(sumValues(values.map((each) => ({ values: each })))).toEqual({
      'requests lost': 3,
      'milliseconds until full service': 300,
      'heap (MB)': 3,
    })
  })
})

describe('withScores()', () => {
  const names = Object.keys(GROUPS)
  const digest = 'ab'.repeat(32)
  const dayOf = (index: number) => `2026-11-${String(index + 1).padStart(2, '0')}`
  const kept = Object.fromEntries(
    names.map((name, index) => {
      const counts = { killed: 99, survived: 1, noCoverage: 0, timeouts: 0, listed: 1 }
      const date = `${dayOf(index)}T08:00:00.000Z`
      return [name, { score: 99, ...counts, date, node: 'v20.20.2', digest }]
    }),
  )
  const figureOf = (digestOf: () => string) => {
    const figures = aggregate(withScores(all, scoreParts(kept, digestOf)))
    const figure = figures.find(({ id }) => id === 'R21')
    if (figure === undefined) throw new Error('there is no R21')
    expect(figures.filter(({ id }) => id !== 'R21')).toHaveLength(IDS.length - 1)
    return figure
  }

  it('takes R21 from the kept scores, with the date of each group', () => {
    const figure = figureOf(() => digest)
    expect(figure).toMatchObject({ status: 'met', parts: { length: names.length } })
    expect(figure.values).toMatchObject({ 'mutants noticed': 99 * names.length })
    const page = formatPage({ ...reportOf(all), figures: [figure] }, sumValues)
    for (const [index, name] of names.entries()) {
      expect(page).toMatch(new RegExp(`^\\| mutants-${name} \\|.*\\| ${dayOf(index)}, `, 'm'))
    }
  })

  it('has a gap that names the groups whose sources have changed', () => {
    let calls = 0
    const figure = figureOf(() => (calls++ === 0 ? 'another' : digest))
    expect(figure).toMatchObject({
      status: 'gap',
      cause: `not met: mutants-${names[0]} (stale)`,
    })
    expect(figure.parts[0]?.method).toContain('Stale: sources or tests have changed since.')
  })

  it('replaces the scores of a report, and nothing else', () => {
    const before = reportOf(
      all.filter(({ id }) => id !== 'R7'),
      [{ path: 'x.test.ts', ids: ['R10'], outcome: '1 tests failed' }],
    )
    const after = replaceScores(
      before,
      scoreParts(kept, () => digest),
    )
    expect(after.figures.find(({ id }) => id === 'R21')).toMatchObject({
      status: 'met',
      parts: { length: names.length },
    })
    const rest = ({ figures, ...others }: Report) => [
      others,
      figures.filter(({ id }) => id !== 'R21'),
    ]
    expect(rest(after)).toEqual(rest(before))
  })

  it('has a gap where nothing is kept, whatever a run has recorded', () => {
    const figures = aggregate(withScores(all, scoreParts({})))
    expect(figures.find(({ id }) => id === 'R21')?.cause).toMatch(
      /^not met: mutants-headers \(not measured\)/,
    )
  })
})

describe('findBlockers()', () => {
  it('believes the parts and not the word of the report', () => {
    const report = reportOf([...all, partOf('R1', { isMet: false })])
    const figures = report.figures.map((figure) => ({ ...figure, status: 'met' as const }))
    expect(findBlockers({ ...report, figures })).toHaveLength(1)
    expect(findBlockers({ ...report, figures: [] })).toHaveLength(BLOCKING.length)
  })
})

describe('formatPage()', () => {
  it('has a row for each figure, and says that nothing is certified', () => {
    const page = formatPage(reportOf(all), sumValues)
    for (const id of IDS) expect(page).toMatch(new RegExp(`^\\| ${id} `, 'm'))
    expect(page).toContain('OpenID certification: not certified.')
    expect(page).not.toContain('undefined')
    const gaps = formatPage(reportOf(all.slice(1)), sumValues)
    expect(gaps).toMatch(/^\| R1 .*not measured.*\*\*gap\*\*/m)
  })
})

describe('readConformance()', () => {
  const good = `ok   authorization, all revisions, without --resource: 3/3 passed, 0 failed
ok   server --requirements 2025-11-25, through the guard: 7/7 scored scenarios, 20 checks passed, 0 failed
conformance: all runs as required
`

  it('counts the runs and their checks', () => {
    expect(readConformance(good)).toMatchObject({
      isMet: true,
      values: { runs: 2, 'runs not as required': 0, 'checks passed': 23, 'checks failed': 0 },
    })
  })

  it.each([
    ['one run failed', good.replace('ok  ', 'FAIL')],
    ['the end is missing', good.replace(/conformance: .*\n/, '')],
    ['nothing ran', 'conformance: all runs as required\n'],
  ])('is not met when %s', (_, output) => {
    expect(readConformance(output).isMet).toBe(false)
  })
})

describe('findSuites()', () => {
  it('finds test files that record by themselves and through their support', () => {
    const suites = new Map(findSuites().map(({ path, ids }) => [path, ids]))
    expect(suites.get('packages/authorization-server/test/race/race.test.ts')).toEqual(['R10'])
    expect(suites.get('test/security/advisories/resource-server.test.ts')).toEqual(['R18'])
    expect(suites.has('test/security/report/report.test.ts')).toBe(false)
  })
})

const page = new URL('../../../docs/security/report.md', import.meta.url)
const data = new URL('../../../docs/security/report.json', import.meta.url)

describe('docs/security/report.md', () => {
  it('is what report.json gives', () => {
    expect(existsSync(data)).toBe(true)
    const report: Report = JSON.parse(readFileSync(data, 'utf8'))
    expect(readFileSync(page, 'utf8') === formatPage(report, sumValues), 'stale').toBe(true)
    expect(report.figures.map(({ id }) => id)).toEqual(IDS)
  })
})
