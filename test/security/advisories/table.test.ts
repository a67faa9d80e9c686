import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { recordFigure } from '../support/figures.js'
import { type Advisory, formatPage, readAdvisories } from './advisories.mjs'

interface CollectedTest {
  readonly path: string
  readonly name: string
  readonly runs: boolean
}

const rows = readAdvisories()
const mapped = rows.filter(({ suite }) => suite === 'mapped')

/** The tests that the runner finds in files. */
async function collect(paths: readonly string[]): Promise<readonly CollectedTest[]> {
  const program = fileURLToPath(new URL('./collect.mjs', import.meta.url))
  const { VITEST: _, ...env } = process.env
  const options = { env: { ...env, NO_COLOR: '1' }, maxBuffer: 2 ** 26 }
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...paths], options)
  return JSON.parse(stdout.slice(stdout.indexOf('[{')))
}

/** Whether a row names a test that is collected and runs. */
function isCovered({ test }: Advisory, tests: readonly CollectedTest[]): boolean {
  if (test === undefined) return false
  const found = tests.filter(({ path, name }) => path === test.path && name.startsWith(test.name))
  return found.length > 0 && found.every(({ runs }) => runs)
}

describe('docs/security/advisories.md', () => {
  it('is what the table gives: node test/security/advisories/advisories.mjs', () => {
    const page = readFileSync(
      new URL('../../../docs/security/advisories.md', import.meta.url),
      'utf8',
    )
    expect(page === formatPage(), 'the page is stale').toBe(true)
  })

  it('names each advisory once, by the form of its id, with a source', () => {
    const names = rows.flatMap(({ id, aliases }) => [id, ...aliases])
    expect(new Set(names).size).toBe(names.length)
    expect(rows.length).toBeGreaterThan(50)
    for (const name of names) {
      expect(name).toMatch(/^(?:CVE-202[4-6]-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})$/)
    }
    for (const { source } of rows) expect(source).toMatch(/^https:\/\//)
  })

  it('names tests of other parts that the runner finds and runs', {
    timeout: 120_000,
  }, async () => {
    const tests = await collect([...new Set(mapped.map(({ test }) => test?.path ?? ''))])
    const missing = mapped.filter((row) => !isCovered(row, tests)).map(({ id }) => id)
    expect(missing).toEqual([])
    // The check would find a test that is gone, and one that is skipped.
    const [first] = mapped
    if (first?.test === undefined) throw new Error('no row is mapped')
    const renamed = { ...first, test: { ...first.test, name: 'says nothing like this' } }
    expect(isCovered(renamed, tests)).toBe(false)
    expect(
      isCovered(
        first,
        tests.map((test) => ({ ...test, runs: false })),
      ),
    ).toBe(false)
    recordFigure({
      id: 'R18',
      part: 'mapped',
      values: { 'advisories held by other tests': mapped.length, 'tests missing': missing.length },
      isMet: missing.length === 0,
      method:
        'The test runner collects the files, and finds the test of each row among those that run.',
    })
  })
})
