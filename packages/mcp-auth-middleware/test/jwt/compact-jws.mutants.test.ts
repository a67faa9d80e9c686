import { describe, expect, it } from 'vitest'
import { decodeJsonObject, parseCompactJws, parseJsonObject } from '../../src/jwt/compact-jws.js'
import { peekIssuer } from '../../src/jwt/peek-issuer.js'

const encode = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')
const HEADER = encode('{"alg":"ES256"}')
const PAYLOAD = encode('{"iss":"i"}')

describe('parseCompactJws()', () => {
  it.each([
    ['a usual token', `${HEADER}.${PAYLOAD}.c2ln`],
    ['an empty payload', `${HEADER}..c2ln`],
    ['a signature of two characters', `${HEADER}.${PAYLOAD}.-A`],
    ['a signature of three characters', `${HEADER}.${PAYLOAD}._-8`],
  ])('splits %s', (_, token) => {
    const [, payload] = token.split('.')
    expect(parseCompactJws(token)).toEqual({ header: { alg: 'ES256' }, payload })
  })

  it('takes 8192 characters and refuses one more', () => {
    const start = `${HEADER}.${PAYLOAD}.`
    const signature = 'A'.repeat(8192 - start.length)
    // A segment has no length of one character more than a multiple of four.
    const longest = start + (signature.length % 4 === 1 ? signature.slice(0, -1) : signature)
    expect(parseCompactJws(longest)).toHaveProperty('header')
    expect(parseCompactJws(start + 'A'.repeat(8193 - start.length))).toBe('token_too_long')
    expect(peekIssuer(start + 'A'.repeat(8192 - start.length))).toBe('i')
    expect(peekIssuer(start + 'A'.repeat(8193 - start.length))).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['two parts', `${HEADER}.${PAYLOAD}`],
    ['four parts', `${HEADER}.${PAYLOAD}.c2ln.c2ln`],
    ['an empty header', `.${PAYLOAD}.c2ln`],
    ['an empty signature', `${HEADER}.${PAYLOAD}.`],
    ['padding', `${HEADER}.${PAYLOAD}.c2lnAA==`],
    ['base64', `${HEADER}.${PAYLOAD}.c2+/`],
    ['a line break', `${HEADER}.${PAYLOAD}.c2ln\n`],
    ['a blank in front', ` ${HEADER}.${PAYLOAD}.c2ln`],
    ['spare bits of four', `${HEADER}.${PAYLOAD}.AB`],
    ['spare bits of two', `${HEADER}.${PAYLOAD}.AAB`],
    ['a length that nothing has', `${HEADER}.${PAYLOAD}.AAAAA`],
    ['spare bits in the payload', `${HEADER}.AB.c2ln`],
    ['spare bits in the header', `AB.${PAYLOAD}.c2ln`],
  ])('refuses %s', (_, token) => {
    expect(parseCompactJws(token)).toBe('malformed_token')
  })

  it.each('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split(''))(
    'takes one spelling of a signature that ends with %s',
    (last) => {
      const isSameAgain = (bytes: string) => encode(Buffer.from(bytes, 'base64url')) === bytes
      for (const signature of [`A${last}`, `AA${last}`, `AAA${last}`]) {
        const isTaken = typeof parseCompactJws(`${HEADER}.${PAYLOAD}.${signature}`) === 'object'
        expect(isTaken, signature).toBe(isSameAgain(signature))
      }
    },
  )

  it.each(['[]', 'null', '7', '"a"', '{', '', '\ufeff{}'])('refuses the header %j', (text) => {
    expect(parseCompactJws(`${encode(text) || 'AA'}.${PAYLOAD}.c2ln`)).toBe('header_invalid')
  })
})

describe('decodeJsonObject() and parseJsonObject()', () => {
  it.each([
    ['{"a":"b"}', { a: 'b' }],
    ['{"a":"ü\u00ff~?>"}', { a: 'ü\u00ff~?>' }],
    ['{"a":"???>>>"}', { a: '???>>>' }],
    // One "-" in a segment whose length without it is none that base64 has.
    ['{"aaa":"~~~"}', { aaa: '~~~' }],
    ['{"a":"日本😀"}', { a: '日本😀' }],
    ['{}', {}],
    ['[]', undefined],
    ['null', undefined],
    ['"a"', undefined],
    ['{"a":', undefined],
    ['\ufeff{}', undefined],
    ['', undefined],
  ])('read %j', (text, value) => {
    expect(decodeJsonObject(encode(text))).toEqual(value)
    expect(parseJsonObject(Buffer.from(text))).toEqual(value)
  })

  it('read no bytes that are no UTF-8', () => {
    const bytes = Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')])
    expect(decodeJsonObject(encode(bytes))).toBeUndefined()
    expect(parseJsonObject(bytes)).toBeUndefined()
  })

  it.each(['!!', 'A', 'e30=='])('read nothing in %j', (segment) => {
    expect(decodeJsonObject(segment)).toBeUndefined()
  })

  it('read every use of "-" and "_"', () => {
    const text = '{"a":"~~~???~~~???>>>"}'
    expect(encode(text)).toMatch(/[-_].*[-_]/)
    expect(decodeJsonObject(encode(text))).toEqual(JSON.parse(text))
  })
})

describe('peekIssuer()', () => {
  it.each([
    ['a token', `${HEADER}.${PAYLOAD}.c2ln`, 'i'],
    ['a header that is none', `x.${PAYLOAD}.`, 'i'],
    ['no header', `.${PAYLOAD}.c2ln`, undefined],
    ['two parts', `${HEADER}.${PAYLOAD}`, undefined],
    ['four parts', `${HEADER}.${PAYLOAD}.a.b`, undefined],
    ['no point', HEADER, undefined],
    ['no iss', `x.${encode('{}')}.x`, undefined],
    ['an iss that is no text', `x.${encode('{"iss":["i"]}')}.x`, undefined],
    ['an iss of the prototype', `x.${encode('{"__proto__":{"iss":"i"}}')}.x`, undefined],
    ['no object', `x.${encode('[]')}.x`, undefined],
  ])('reads the issuer of %s', (_, token, issuer) => {
    expect(peekIssuer(token)).toBe(issuer)
  })
})
