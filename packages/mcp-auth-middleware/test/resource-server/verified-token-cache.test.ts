import { describe, expect, it } from 'vitest'
import { createVerifiedTokenCache } from '../../src/jwt/verified-token-cache.js'
import { principalOf, validatorOf } from './fakes.js'

const NOW = 1_800_000_000_000
const FAR = NOW + 3_600_000

const tokenOf = (expiresAt?: number) => ({
  principal: principalOf({ expiresAt }),
  scopes: new Set<string>(),
  validator: validatorOf(),
})

describe('createVerifiedTokenCache()', () => {
  it.each([
    ['the expiry of the token', NOW / 1000 + 60, FAR, 300, 60_000],
    ['the word of the key set', NOW / 1000 + 600, NOW + 5_000, 300, 5_000],
    ['the longest age', NOW / 1000 + 600, FAR, 300, 300_000],
    ['a shorter configured age', NOW / 1000 + 600, FAR, 10, 10_000],
    ['the longest age, without an expiry', undefined, FAR, 300, 300_000],
  ])('keeps an entry until %s', (_, expiresAt, until, maxAgeSeconds, life) => {
    const cache = createVerifiedTokenCache({ maxAgeSeconds })
    const token = tokenOf(expiresAt)
    cache.set('k', token, { until }, NOW)
    expect(cache.get('k', NOW)).toBe(token)
    expect(cache.get('k', NOW + life - 1)).toBe(token)
    expect(cache.get('k', NOW + life)).toBeUndefined()
    expect(cache.size).toBe(0)
  })

  it('does not make an entry older or younger by reading it', () => {
    const cache = createVerifiedTokenCache({ maxAgeSeconds: 10 })
    cache.set('k', tokenOf(), { until: FAR }, NOW)
    for (let at = 1; at < 10; at += 1) expect(cache.get('k', NOW + at * 1000)).toBeDefined()
    expect(cache.get('k', NOW + 10_000)).toBeUndefined()
  })

  it('ends an entry when its generation does, for good', () => {
    const cache = createVerifiedTokenCache({})
    const generation = { current: true }
    cache.set('k', tokenOf(), { until: FAR, generation }, NOW)
    expect(cache.get('k', NOW)).toBeDefined()
    generation.current = false
    expect(cache.get('k', NOW)).toBeUndefined()
    generation.current = true
    expect(cache.get('k', NOW)).toBeUndefined()
  })

  it('F08 ends an entry when the clock runs back past the moment of storing', () => {
    const cache = createVerifiedTokenCache({})
    cache.set('k', tokenOf(), { until: FAR }, NOW)
    expect(cache.get('k', NOW - 1)).toBeUndefined()
    expect(cache.get('k', NOW)).toBeUndefined()
  })

  it.each([
    ['is over already', NOW, undefined],
    ['is no number', Number.NaN, undefined],
    ['lies in the past', NOW - 1, undefined],
    ['is fine for a token that has expired', FAR, NOW / 1000],
    ['is fine for a token whose end is no number', FAR, Number.NaN],
  ])('stores nothing when the reuse %s', (_, until, expiresAt) => {
    const cache = createVerifiedTokenCache({})
    cache.set('k', tokenOf(expiresAt), { until }, NOW)
    expect(cache.size).toBe(0)
    expect(cache.get('k', NOW)).toBeUndefined()
  })

  it('ends an entry when the clock turns into NaN only by serving it no longer than its life', () => {
    const cache = createVerifiedTokenCache({})
    cache.set('k', tokenOf(), { until: FAR }, Number.NaN)
    expect(cache.size).toBe(0)
  })

  it('P03 forgets the least recently used entry first and never holds more than its bound', () => {
    const cache = createVerifiedTokenCache({ maxEntries: 2 })
    for (const key of ['a', 'b']) cache.set(key, tokenOf(), { until: FAR }, NOW)
    cache.get('a', NOW)
    cache.set('c', tokenOf(), { until: FAR }, NOW)
    expect(cache.size).toBe(2)
    expect(cache.get('b', NOW)).toBeUndefined()
    expect(cache.get('a', NOW)).toBeDefined()
  })

  it('tells keys apart that are names on the prototype', () => {
    const cache = createVerifiedTokenCache({})
    expect(cache.get('__proto__', NOW)).toBeUndefined()
    expect(cache.get('constructor', NOW)).toBeUndefined()
  })
})
