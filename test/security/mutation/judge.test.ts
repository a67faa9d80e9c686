import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GROUPS, mutatedFiles } from './groups.mjs'
import { checkKnown, judge, readReport, scoreOf } from './judge.mjs'

const ROOT = new URL('../../../', import.meta.url)
const known: unknown = JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8'))

const SOURCE = 'export function isOpen(age: number) {\n  return age >\n    18\n}\n'

function mutant(status: string, replacement: string, line = 2, end = 3) {
  return {
    status,
    mutatorName: 'EqualityOperator',
    replacement,
    location: { start: { line, column: 10 }, end: { line: end, column: 7 } },
  }
}

const report = (...mutants: readonly unknown[]) => ({
  files: { 'packages/x/src/door.ts': { source: SOURCE, mutants } },
})

const survivor = {
  file: 'packages/x/src/door.ts',
  mutator: 'EqualityOperator',
  original: 'age > 18',
  replacement: 'age >= 18',
}

describe('readReport()', () => {
  it('counts what tests noticed, and cuts out what survived', () => {
    const found = readReport(
      report(
        mutant('Killed', 'age < 18'),
        mutant('Timeout', 'true'),
        mutant('Survived', 'age >= 18'),
        mutant('NoCoverage', 'false'),
        mutant('CompileError', 'x'),
        mutant('Ignored', 'y'),
      ),
    )
    expect(found.detected).toBe(2)
    expect(found.counts).toEqual({ killed: 1, timeouts: 1, survived: 1, noCoverage: 1 })
    expect(found.survivors).toEqual([
      { line: 2, survivor },
      { line: 2, survivor: { ...survivor, replacement: 'false' } },
    ])
  })
})

describe('judge()', () => {
  const group = (detected: number, ...survivors: readonly (typeof survivor)[]) => ({
    name: 'doors',
    detected,
    survivors: survivors.map((each) => ({ line: 2, survivor: each })),
  })
  const reason = 'nobody is exactly eighteen years old'

  it.each([
    [90, 10, 0],
    [899, 101, 1],
    [0, 0, 0],
  ])('R21 holds %d noticed and %d survivors to 90 %%', (detected, survived, problems) => {
    const survivors = Array.from({ length: survived }, () => survivor)
    expect(judge([group(detected, ...survivors)], [{ ...survivor, reason }], 90)).toHaveLength(
      problems,
    )
  })

  it('R21 refuses a survivor without a reason, and takes it with one', () => {
    expect(judge([group(99, survivor)], [], 90)).toEqual([
      'packages/x/src/door.ts:2: EqualityOperator survived without a reason: age > 18 -> age >= 18',
    ])
    expect(judge([group(99, survivor)], [{ ...survivor, reason }], 90)).toEqual([])
  })

  it.each(['file', 'mutator', 'original', 'replacement'] as const)(
    'does not take the reason of a survivor with another %s',
    (member) => {
      const other = { ...survivor, [member]: 'other', reason }
      expect(judge([group(99, survivor)], [other], 90)).toHaveLength(1)
    },
  )

  it.each([undefined, '', ' ', 'equivalent', 'is an equivalent'])(
    'takes %j for no reason',
    (text) => {
      expect(checkKnown([{ ...survivor, reason: text }])).toHaveLength(1)
      expect(checkKnown([{ ...survivor, reason }])).toEqual([])
    },
  )

  it('counts nothing as everything', () => {
    expect([scoreOf(0, 0), scoreOf(1, 1), scoreOf(0, 1)]).toEqual([100, 50, 0])
  })
})

describe('the groups', () => {
  const files = Object.values(GROUPS).flatMap((group) => {
    const folder = `packages/${group.package}/src/`
    return mutatedFiles(group).flatMap((path) => {
      if (!path.endsWith('/*.ts')) return [path]
      const directory = path.slice(0, -'/*.ts'.length)
      expect(path.startsWith(folder)).toBe(true)
      return readdirSync(new URL(directory, ROOT)).map((name) => `${directory}/${name}`)
    })
  })

  it('name files that exist, each of them once', () => {
    expect(files.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([])
    expect(new Set(files).size).toBe(files.length)
  })

  it('hold every survivor that is listed', () => {
    expect(checkKnown(known as unknown[])).toEqual([])
    for (const { file } of known as { file: string }[]) expect(files).toContain(file)
  })
})
