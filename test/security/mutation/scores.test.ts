import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GROUPS } from './groups.mjs'
import {
  digestGroup,
  filesOf,
  readScores,
  type Score,
  scoreParts,
  toScore,
  writeScore,
} from './scores.mjs'

const DIGEST = 'ab'.repeat(32)
const NAMES = Object.keys(GROUPS)
const score: Score = {
  score: 90,
  killed: 8,
  survived: 1,
  noCoverage: 0,
  timeouts: 1,
  listed: 1,
  date: '2026-11-22T08:00:00.000Z',
  node: 'v20.20.2',
  digest: DIGEST,
}
const all = Object.fromEntries(NAMES.map((name) => [name, score]))

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'scores-'))
})
afterAll(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

describe('digestGroup()', () => {
  const group = {
    package: 'x',
    mutate: ['door.ts', 'locks/*.ts'],
    tests: ['{door,locks/lock}*.test.ts', 'hinge.test.ts'],
  }
  const paths = [
    'packages/x/src/door.ts',
    'packages/x/src/locks/bolt.ts',
    'packages/x/test/door.mutants.test.ts',
    'packages/x/test/door.test.ts',
    'packages/x/test/locks/lock.test.ts',
  ]
  const others = [
    'packages/x/src/window.ts',
    'packages/x/src/locks/key.json',
    'packages/x/test/window.test.ts',
    'packages/x/test/doorXtest.ts',
    'packages/y/src/door.ts',
  ]
  beforeAll(() => {
    for (const path of [...paths, ...others]) write(path, 'one')
  })

  it('takes the mutated sources and the tests that their patterns name, and nothing else', () => {
    expect(filesOf(group, root)).toEqual(paths)
    const before = digestGroup(group, root)
    expect(before).toMatch(/^[0-9a-f]{64}$/)
    for (const path of others) write(path, 'two')
    expect(digestGroup(group, root)).toBe(before)
  })

  it.each(paths)('changes with %s, and comes back with it', (path) => {
    const before = digestGroup(group, root)
    write(path, 'two')
    expect(digestGroup(group, root)).not.toBe(before)
    write(path, 'one')
    expect(digestGroup(group, root)).toBe(before)
  })

  it('changes with a test that is added', () => {
    const before = digestGroup(group, root)
    write('packages/x/test/hinge.test.ts', 'one')
    expect(digestGroup(group, root)).not.toBe(before)
    rmSync(join(root, 'packages/x/test/hinge.test.ts'))
    expect(digestGroup(group, root)).toBe(before)
  })

  it.each(NAMES)('finds tests and every mutated file of %s', (name) => {
    const group = GROUPS[name]
    if (group === undefined) throw new Error(name)
    const files = filesOf(group)
    expect(files.some((path) => path.endsWith('.test.ts'))).toBe(true)
    for (const path of group.mutate.filter((each) => !each.includes('*'))) {
      expect(files).toContain(`packages/${group.package}/src/${path}`)
    }
  })
})

describe('scores.json', () => {
  const survivor = { file: 'x.ts', mutator: 'StringLiteral', original: "'a'", replacement: '""' }
  const other = { ...survivor, original: "'b'" }
  const counts = { killed: 10, survived: 1, noCoverage: 1, timeouts: 2 }
  const found = [survivor, other].map((each) => ({ line: 1, survivor: each }))

  it('keeps the counts, the share to one decimal place, and how many survivors have a reason', () => {
    expect(toScore({ detected: 12, survivors: found, counts }, [survivor], DIGEST)).toEqual({
      ...counts,
      score: 85.7,
      listed: 1,
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      node: process.version,
      digest: DIGEST,
    })
  })

  it('is merged group by group, in the order of the groups', () => {
    const path = join(root, 'scores.json')
    expect(readScores(path)).toEqual({})
    const [first = '', second = '', third = ''] = NAMES
    writeScore(third, score, path)
    writeScore(first, score, path)
    writeScore(second, { ...score, score: 95 }, path)
    writeScore(third, { ...score, score: 91 }, path)
    expect(Object.entries(readScores(path))).toEqual([
      [first, score],
      [second, { ...score, score: 95 }],
      [third, { ...score, score: 91 }],
    ])
    expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true)
  })

  it('that is committed holds whole scores of known groups', () => {
    for (const [name, kept] of Object.entries(readScores())) {
      expect(NAMES).toContain(name)
      expect(Object.keys(kept).sort()).toEqual(Object.keys(score).sort())
      const detected = kept.killed + kept.timeouts
      const every = detected + kept.survived + kept.noCoverage
      expect(kept.score).toBe(Math.round((1000 * detected) / every) / 10)
    }
  })
})

describe('scoreParts()', () => {
  it('R21 has a part for each group, with the date of its measurement', () => {
    const parts = scoreParts(all, () => DIGEST)
    expect(parts.map(({ part }) => part)).toEqual(NAMES.map((name) => `mutants-${name}`))
    // Parts of one method are one row of the report, with one date.
    expect(new Set(parts.map(({ method }) => method)).size).toBe(NAMES.length)
    for (const part of parts) {
      expect(part).toMatchObject({
        id: 'R21',
        isMet: true,
        measuredAt: score.date,
        node: score.node,
        values: {
          'mutants noticed': 9,
          'mutants survived': 1,
          'survivors with a reason': 1,
          'mutants survived (%)': 10,
        },
      })
    }
  })

  it.each([
    ['less than 90 %', { score: 89.9 }, 'mutants-jwt'],
    ['another digest', { digest: 'cd'.repeat(32) }, 'mutants-jwt (stale)'],
  ])('R21 does not meet its goal with %s', (_, change, name) => {
    const parts = scoreParts({ ...all, jwt: { ...score, ...change } }, () => DIGEST)
    expect(parts.filter(({ isMet }) => !isMet)).toMatchObject([{ part: name }])
  })

  it('R21 does not meet its goal where a group has no score', () => {
    const { jwt: _, ...others } = all
    expect(scoreParts(others, () => DIGEST).filter(({ isMet }) => !isMet)).toMatchObject([
      { part: 'mutants-jwt (not measured)', values: {}, measuredAt: 'never' },
    ])
  })
})
