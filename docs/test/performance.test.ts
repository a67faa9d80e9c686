import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from './snippets.js'

const IMAGES = 'images/performance'
const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8')

/** Cells of the rows of a table that begins with a number, by that number. */
function numberedRows(text: string): ReadonlyMap<string, readonly string[]> {
  const rows = [...text.matchAll(/^\| (\d+) \|.*\|$/gm)].map(([line]) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  return new Map(rows.map((cells) => [cells[0] ?? '', cells]))
}

const goals = numberedRows(read(ROOT, 'docs/performance.md'))

describe('docs/performance.md', () => {
  let written: string

  beforeAll(() => {
    written = mkdtempSync(join(tmpdir(), 'performance-'))
    execFileSync(process.execPath, [join(ROOT, 'bench/report.mjs'), '--out', written])
  })
  afterAll(() => rmSync(written, { recursive: true, force: true }))

  it('is what the results give: npm run bench:report', () => {
    const isFresh = read(written, 'performance.md') === read(ROOT, 'docs/performance.md')
    expect(isFresh, 'the page is stale').toBe(true)
  })

  it('shows the plots of the results, and no others', () => {
    const names = readdirSync(join(written, IMAGES)).sort()
    expect(names.length).toBeGreaterThan(20)
    expect(readdirSync(join(ROOT, 'docs', IMAGES)).sort()).toEqual(names)
    const stale = names.filter(
      (name) => read(written, IMAGES, name) !== read(ROOT, 'docs', IMAGES, name),
    )
    expect(stale).toEqual([])
  })

  it('has all 26 goals, and no result of a smoke run', () => {
    expect([...goals.keys()]).toEqual(Array.from({ length: 26 }, (_, index) => String(index + 1)))
    expect(read(ROOT, 'docs/performance.md')).not.toMatch(/smoke/i)
  })

  it('says of every goal that is missed what the cause is', () => {
    const verdicts = [...goals.values()].map((cells) => cells.at(-1) ?? '')
    const unknown = verdicts.filter(
      (verdict) => !/^(?:met$|\*\*missed\*\*: \S|\*\*not measured\*\*: \S)/.test(verdict),
    )
    expect(unknown).toEqual([])
  })
})

describe('README.md', () => {
  it('has the figures of the page, by the number of their goal', () => {
    const figures = numberedRows(/^## Figures$(.*?)^## /ms.exec(read(ROOT, 'README.md'))?.[1] ?? '')
    expect(figures.size).toBeGreaterThan(8)
    for (const [number, cells] of figures) {
      const [, , , peer, ours, limit] = goals.get(number) ?? []
      expect([number, ...cells.slice(2)]).toEqual([number, ours, peer, limit])
    }
  })
})
