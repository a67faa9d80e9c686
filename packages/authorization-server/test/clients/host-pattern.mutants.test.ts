import { describe, expect, it } from 'vitest'
import { isHostPattern, matchesHost } from '../../src/clients/host-pattern.js'

const LONGEST = `${'a'.repeat(61)}.`.repeat(4) + 'a'.repeat(5)

describe('isHostPattern()', () => {
  it.each(['c.test', '*.c.test', 'localhost', 'a-b.c--d.test', '1.2.3.4', 'x', '*.x', LONGEST])(
    'takes %s',
    (text) => {
      expect(isHostPattern(text)).toBe(true)
    },
  )

  it.each([
    '',
    '*',
    '*.',
    '.c.test',
    'c.test.',
    'c..test',
    '*.*.test',
    'a.*.test',
    'x*.c.test',
    'x*.',
    'C.test',
    '-c.test',
    'c-.test',
    'c.-test',
    'c.test-',
    'c_d.test',
    'c.test/',
    'c.test:443',
    ' c.test',
    'c.test\n',
    `${LONGEST}a`,
    7,
    undefined,
    ['c.test'],
  ])('refuses %j', (text) => {
    expect(isHostPattern(text)).toBe(false)
  })

  it('takes 253 characters', () => {
    expect(LONGEST).toHaveLength(253)
  })
})

describe('matchesHost()', () => {
  it.each([
    ['c.test', true],
    ['a.d.test', true],
    ['a.b.d.test', true],
    ['d.test', false],
    ['ad.test', false],
    ['a.c.test', false],
    ['c.test.evil', false],
    ['xc.test', false],
    ['', false],
  ])('finds out about %s: %s', (hostname, expected) => {
    expect(matchesHost(['c.test', '*.d.test'], hostname)).toBe(expected)
    expect(matchesHost([], hostname)).toBe(false)
  })
})
