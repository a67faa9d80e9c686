import { describe, expect, it } from 'vitest'
import { freshnessSeconds } from '../../src/clients/document-freshness.js'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60
const DAY = 24 * 3600

describe('freshnessSeconds()', () => {
  it.each([
    ['no-store', MINUTE],
    ['no-store, max-age=3600', MINUTE],
    ['no-cache', MINUTE],
    ['private, max-age=3600', MINUTE],
    ['max-age=0', MINUTE],
    ['max-age=10', MINUTE],
    ['max-age=59', MINUTE],
    ['max-age=61', 61],
    ['public, max-age=3600', 3600],
    ['Max-Age=3600', 3600],
    ['max-age="3600"', 3600],
    ['max-age=86399', DAY - 1],
    ['max-age=86401', DAY],
    ['max-age=315360000', DAY],
    [`max-age=${'9'.repeat(400)}`, DAY],
    ['max-age=3600, s-maxage=600', 600],
    ['max-age=600, max-age=3600', 600],
    ['max-age=-1', MINUTE],
    ['max-age=1e4', MINUTE],
    ['max-age', MINUTE],
    ['x-max-age=3600', 300],
    ['', 300],
  ])('M15 keeps an answer with "%s" for %i seconds', (value, seconds) => {
    expect(freshnessSeconds({ 'cache-control': value }, NOW)).toBe(seconds)
  })

  it('M15 counts the time that the answer has spent in other caches', () => {
    expect(freshnessSeconds({ 'cache-control': 'max-age=3600', age: '600' }, NOW)).toBe(3000)
    expect(freshnessSeconds({ 'cache-control': 'max-age=3600', age: '9999' }, NOW)).toBe(MINUTE)
  })

  it('M15 goes by Expires where Cache-Control says nothing', () => {
    const date = 'Sat, 21 Nov 2026 12:00:00 GMT'
    const expires = 'Sat, 21 Nov 2026 12:10:00 GMT'
    expect(freshnessSeconds({ date, expires }, 0)).toBe(600)
    expect(freshnessSeconds({ expires }, NOW)).toBe(600)
    expect(freshnessSeconds({ expires: '0' }, NOW)).toBe(MINUTE)
    expect(freshnessSeconds({ expires: 'Mon, 01 Jan 2046 00:00:00 GMT' }, NOW)).toBe(DAY)
    expect(freshnessSeconds({ expires, 'cache-control': 'max-age=120' }, NOW)).toBe(120)
  })
})
