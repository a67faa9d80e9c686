import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/runtime.js'
import {
  equalDigests,
  findDigest,
  formatTokenDigest,
  parseTokenDigest,
} from '../../src/validators/token-digest.js'

const HEX = 'fb'.repeat(32)

describe('parseTokenDigest()', () => {
  it('reads what formatTokenDigest() writes, with every kind of character', async () => {
    for (let index = 0; index < 50; index++) {
      const digest = await sha256(`token ${index}`)
      expect(parseTokenDigest(formatTokenDigest(digest))).toBe(digest)
    }
    expect(parseTokenDigest(`sha256:${HEX}`)).toBe(Buffer.from(HEX, 'hex').toString('base64url'))
    expect(parseTokenDigest(`SHA256:${HEX.toUpperCase()}`)).toBe(parseTokenDigest(`sha256:${HEX}`))
    expect(formatTokenDigest(Buffer.alloc(32, 1).toString('base64url'))).toBe(
      `sha256:${'01'.repeat(32)}`,
    )
  })

  it.each([
    `${HEX}`,
    `sha256:${HEX}0`,
    `sha256:${HEX.slice(1)}`,
    `x sha256:${HEX}`,
    `sha256:${HEX} x`,
    `sha256:${HEX}\n`,
    `sha256:${'g'.repeat(64)}`,
    'sha256:',
    '',
  ])('reads nothing in %j', (text) => {
    expect(parseTokenDigest(text)).toBeUndefined()
  })
})

describe('equalDigests()', () => {
  it.each([
    ['abcd', 'abcd', 1],
    ['abcd', 'abce', 0],
    ['bbcd', 'abcd', 0],
    ['abcd', 'abc', 0],
    ['abc', 'abcd', 0],
    ['abcd', 'abcde', 0],
    ['', '', 1],
    ['ab', 'ba', 0],
  ])('compares %j and %j: %d', (left, right, equal) => {
    expect(equalDigests(left, right)).toBe(equal)
  })
})

describe('findDigest()', () => {
  const entries = ['aaaa', 'bbbb', 'cccc']

  it('finds the place of an entry, or none', () => {
    expect(entries.map((entry) => findDigest(entries, entry))).toEqual([0, 1, 2])
    expect(findDigest(entries, 'dddd')).toBe(-1)
    expect(findDigest([], 'aaaa')).toBe(-1)
  })

  it('T45 compares every entry, also after the one that is equal', () => {
    const compared: string[] = []
    findDigest(entries, 'aaaa', (entry, digest) => {
      compared.push(entry)
      return equalDigests(entry, digest)
    })
    expect(compared).toEqual(entries)
  })
})
