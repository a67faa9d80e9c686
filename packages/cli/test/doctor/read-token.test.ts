import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isSignedBy, type ReadToken, readToken } from '../../src/doctor/token/read-token.js'

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function mint(alg: string, key: KeyObject, options: object): string {
  const signed = `${encode({ alg })}.${encode({ iss: 'https://login.example.com' })}`
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`
  return `${signed}.${sign(hash, Buffer.from(signed), { key, ...options }).toString('base64url')}`
}

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const KINDS = [
  ['RS256', rsa, {}],
  ['PS256', rsa, { padding: 6, saltLength: 32 }],
  [
    'ES256',
    () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    { dsaEncoding: 'ieee-p1363' },
  ],
  [
    'ES384',
    () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    { dsaEncoding: 'ieee-p1363' },
  ],
  ['EdDSA', () => generateKeyPairSync('ed25519'), {}],
] as const

function read(token: string): ReadToken {
  const found = readToken(token)
  if (found === undefined) throw new Error('no JWT')
  return found
}

describe('isSignedBy()', () => {
  it.each(KINDS)('verifies %s by the right key alone', (alg, create, options) => {
    const [own, other] = [create(), create()]
    const token = mint(alg, own.privateKey, options)
    const jwk = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }) })
    expect(isSignedBy(read(token), jwk(own.publicKey))).toBe(true)
    expect(isSignedBy(read(token), jwk(other.publicKey))).toBe(false)
    const changed = token.replace(/\.([^.]+)\./, `.${encode({ iss: 'https://evil.example.com' })}.`)
    expect(isSignedBy(read(changed), jwk(own.publicKey))).toBe(false)
  })

  it('says nothing by a key that cannot be used, or of an algorithm with secrets', () => {
    const { privateKey, publicKey } = rsa()
    expect(isSignedBy(read(mint('RS256', privateKey, {})), { kty: 'RSA' })).toBeUndefined()
    const secret = `${encode({ alg: 'HS256' })}.${encode({})}.AAAA`
    expect(isSignedBy(read(secret), { ...publicKey.export({ format: 'jwk' }) })).toBeUndefined()
  })
})

describe('readToken()', () => {
  it.each([
    ['an opaque token', 'opaque-4f1c22d0a7'],
    ['two parts', `${encode({})}.${encode({})}`],
    ['claims that are no object', `${encode({})}.${Buffer.from('[]').toString('base64url')}.AA`],
    ['a header that is no JSON', `AAAA.${encode({})}.AA`],
    ['characters of plain base64', `${encode({})}.${encode({})}.a+/=`],
    ['more than 32 KiB', `${encode({})}.${encode({ a: 'x'.repeat(40_000) })}.AA`],
  ])('takes %s for no JWT', (_name, token) => expect(readToken(token)).toBeUndefined())

  it('reads a JWT without a signature, to say so', () => {
    expect(readToken(`${encode({ alg: 'none' })}.${encode({ sub: 'a' })}.`)?.header.alg).toBe(
      'none',
    )
  })
})
