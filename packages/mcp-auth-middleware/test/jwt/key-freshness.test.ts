import { describe, expect, it } from 'vitest'
import { parseFreshness } from '../../src/jwt/key-freshness.js'

describe('parseFreshness()', () => {
  it.each([
    [undefined, 600],
    ['', 600],
    ['public', 600],
    ['max-age=300', 300],
    ['public, Max-Age=300, must-revalidate', 300],
    ['max-age="300"', 300],
    ['max-age=0', 60],
    ['max-age=59', 60],
    ['max-age=61', 61],
    ['max-age=899', 899],
    ['max-age=901', 900],
    ['max-age=1000000000', 900],
    ['max-age=99999999999999999999999', 900],
    ['max-age=-1', 60],
    ['max-age=abc', 60],
    ['max-age=x300', 60],
    ['max-age=300x', 60],
    ['max-age', 60],
    ['max-age=600, max-age=120', 120],
    ['no-store', 60],
    ['no-cache, max-age=600', 60],
    ['s-maxage=100', 600],
  ])('K22 reads %j as %d s', (header, seconds) => {
    expect(parseFreshness(header)).toBe(seconds * 1000)
  })
})
