import { describe, expect, it } from 'vitest'
import { decodeJsonObject, parseCompactJws } from '../../src/jwt/compact-jws.js'
import { base64url } from './sign.js'

const header = base64url({ alg: 'ES256' })
const good = `${header}.e30.AAAA`

describe('parseCompactJws()', () => {
  it('returns the header and leaves the payload encoded', () => {
    expect(parseCompactJws(good)).toEqual({ header: { alg: 'ES256' }, payload: 'e30' })
  })

  it.each([
    ['T12 one padding character', `${good}=`],
    ['T12 two padding characters', `${good}==`],
    ['two parts', `${header}.e30`],
    ['J47 five parts', `${good}.AAAA.AAAA`],
    ['an empty header', '.e30.AAAA'],
    ['J01 an empty signature', `${header}.e30.`],
    ['the standard base64 alphabet', `${header}.e30.AA+A`],
    ['a blank at the end', `${good} `],
    ['a line break at the end', `${good}\n`],
    ['a length that no bytes have', `${header}.e30.AAAAA`],
    ['spare bits in a signature of two left over', `${header}.e30.AB`],
    ['spare bits in a signature of three left over', `${header}.e30.AAB`],
    ['T21 nothing but dots', '.'.repeat(4000)],
    ['nothing', ''],
  ])('refuses %s', (_name, token) => {
    expect(parseCompactJws(token)).toBe('malformed_token')
  })

  it('accepts the canonical neighbours of spare bits', () => {
    expect(parseCompactJws(`${header}.e30.AQ`)).toBeTypeOf('object')
    expect(parseCompactJws(`${header}.e30.AAE`)).toBeTypeOf('object')
  })

  it('J20 leaves an empty payload to the JSON check, which refuses it', () => {
    expect(parseCompactJws(`${header}..AAAA`)).toMatchObject({ payload: '' })
    expect(decodeJsonObject('')).toBeUndefined()
  })

  it('T19 refuses 8193 characters and accepts 8192', () => {
    const prefix = `${header}.e30.`
    const longest = prefix + 'A'.repeat(8192 - prefix.length)
    // A length of 1 modulo 4 is no base64url, so the segment decides which neighbour is legal.
    const signature = longest.length - prefix.length
    expect(signature % 4).not.toBe(1)
    expect(parseCompactJws(longest)).toBeTypeOf('object')
    expect(parseCompactJws(`${longest}A`)).toBe('token_too_long')
  })

  it.each([
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '1'],
    ['a byte order mark', '\ufeff{}'],
    ['no JSON', 'not json'],
  ])('refuses a header that is %s', (_name, text) => {
    expect(parseCompactJws(`${base64url(text)}.e30.AAAA`)).toBe('header_invalid')
  })

  it('T21 takes less than 2 ms for 4000 dots between letters', () => {
    const token = 'a.'.repeat(4096)
    // The fastest of five: the cost of the parser, not of what else the machine does.
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now()
      expect(parseCompactJws(token)).toBe('malformed_token')
      return performance.now() - start
    })
    expect(Math.min(...times)).toBeLessThan(2)
  })
})

describe('decodeJsonObject()', () => {
  it('reads text beyond ASCII', () => {
    expect(decodeJsonObject(base64url({ name: 'Ä 😀' }))).toEqual({ name: 'Ä 😀' })
  })

  it('refuses bytes that are not UTF-8', () => {
    const latin1 = Buffer.from('{"name":"\xc4"}', 'latin1').toString('base64url')
    expect(decodeJsonObject(latin1)).toBeUndefined()
  })

  it('J17 takes the last of two members with one name', () => {
    expect(decodeJsonObject(base64url('{"alg":"none","alg":"ES256"}'))).toEqual({ alg: 'ES256' })
  })

  it('J54 reads deeply nested values without a RangeError', () => {
    const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(decodeJsonObject(base64url(text))).toBeTypeOf('object')
  })
})
