import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import { createRevocationList } from '../../src/resource-server/revocation.js'
import { principalOf } from './fakes.js'

const ISSUER = 'https://as.test'
const NOW = 1_800_000_000_000
const END = NOW / 1000 + 60

describe('createRevocationList()', () => {
  it('J58 finds a token by issuer and jti together', () => {
    const list = createRevocationList({ now: () => NOW })
    list.revokeToken(ISSUER, 'j1', END)
    expect(list.check(principalOf({ tokenId: 'j1' }))).toBe('revoked')
    expect(list.check(principalOf({ tokenId: 'j2' }))).toBe('active')
    expect(list.check(principalOf({ tokenId: 'j1', issuer: 'https://other.test' }))).toBe('active')
    expect(list.check(principalOf())).toBe('active')
  })

  it('J60 finds every token of a grant, and does not take a grant for a token', () => {
    const list = createRevocationList({ now: () => NOW })
    list.revokeGrant(ISSUER, 'g1', END)
    expect(list.check(principalOf({ grantId: 'g1', tokenId: 'j1' }))).toBe('revoked')
    expect(list.check(principalOf({ grantId: 'g1', tokenId: 'j2' }))).toBe('revoked')
    expect(list.check(principalOf({ tokenId: 'g1' }))).toBe('active')
  })

  it('tells ("a", "b,c") from ("a,b", "c")', () => {
    const list = createRevocationList({ now: () => NOW })
    list.revokeToken('a","b', 'c', END)
    expect(list.check(principalOf({ issuer: 'a', tokenId: 'b","c' }))).toBe('active')
  })

  it('lets go of an entry when the revoked token would have expired', () => {
    let now = NOW
    const list = createRevocationList({ now: () => now })
    list.revokeToken(ISSUER, 'j1', END)
    now = END * 1000 - 1
    expect(list.check(principalOf({ tokenId: 'j1' }))).toBe('revoked')
    now = END * 1000
    expect(list.check(principalOf({ tokenId: 'j1' }))).toBe('active')
  })

  it('says unavailable rather than forget, when it is full', () => {
    const list = createRevocationList({ maxEntries: 2, now: () => NOW })
    for (const id of ['j1', 'j2', 'j3']) list.revokeToken(ISSUER, id, END)
    expect(list.check(principalOf({ tokenId: 'j1' }))).toBe('revoked')
    expect(list.check(principalOf({ tokenId: 'j2' }))).toBe('revoked')
    expect(list.check(principalOf({ tokenId: 'j3' }))).toBe('unavailable')
    expect(list.check(principalOf({ tokenId: 'j4' }))).toBe('unavailable')
  })

  it('makes room by dropping entries that are over', () => {
    let now = NOW
    const list = createRevocationList({ maxEntries: 2, now: () => now })
    list.revokeToken(ISSUER, 'j1', END)
    list.revokeToken(ISSUER, 'j2', END + 60)
    now = END * 1000
    list.revokeToken(ISSUER, 'j3', END + 60)
    expect(list.check(principalOf({ tokenId: 'j2' }))).toBe('revoked')
    expect(list.check(principalOf({ tokenId: 'j3' }))).toBe('revoked')
    expect(list.check(principalOf({ tokenId: 'j4' }))).toBe('active')
  })

  it('serves again when the revocation that found no room is over', () => {
    let now = NOW
    const list = createRevocationList({ maxEntries: 1, now: () => now })
    list.revokeToken(ISSUER, 'j1', END)
    list.revokeToken(ISSUER, 'j2', END)
    now = END * 1000 - 1
    expect(list.check(principalOf({ tokenId: 'j4' }))).toBe('unavailable')
    now = END * 1000
    expect(list.check(principalOf({ tokenId: 'j4' }))).toBe('active')
  })

  it('never shortens a revocation', () => {
    const list = createRevocationList({ now: () => NOW })
    list.revokeToken(ISSUER, 'j1', END)
    list.revokeToken(ISSUER, 'j1', NOW / 1000 - 1)
    expect(list.check(principalOf({ tokenId: 'j1' }))).toBe('revoked')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined])(
    'throws instead of revoking nothing when the end is %s',
    (end) => {
      expect(() => createRevocationList().revokeToken(ISSUER, 'j1', end as number)).toThrow(
        TypeError,
      )
    },
  )

  it.each([
    ['an unknown option', { maxEntry: 5 }, 'maxEntry'],
    ['no room at all', { maxEntries: 0 }, 'maxEntries'],
    ['a part of an entry', { maxEntries: 1.5 }, 'maxEntries'],
    ['a text', { maxEntries: '5' }, 'maxEntries'],
    ['a clock that is a number', { now: NOW }, 'now'],
    ['null', null, '(options)'],
  ])('P18 refuses %s', (_name, options, path) => {
    const create = () => createRevocationList(options as object)
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(path)
  })

  it('repeats a revocation without growing', () => {
    const list = createRevocationList({ maxEntries: 2, now: () => NOW })
    for (let index = 0; index < 5; index += 1) list.revokeToken(ISSUER, 'j1', END)
    list.revokeToken(ISSUER, 'j2', END)
    list.revokeToken(ISSUER, 'j2', END)
    expect(list.check(principalOf({ tokenId: 'j9' }))).toBe('active')
  })
})
