import { describe, expect, it } from 'vitest'
import { isJwsAlgorithm, JWS_ALGORITHMS, type JwsAlgorithm } from '../../src/jwt/algorithms.js'
import { checkJwk, importVerificationKey } from '../../src/jwt/jwk.js'
import { hasRocaFingerprint } from '../../src/jwt/roca.js'
import { createSigningKey } from './sign.js'

const all: ReadonlySet<JwsAlgorithm> = new Set(JWS_ALGORITHMS)
const rsa = createSigningKey('RS256', 'r1').jwk
const ec = createSigningKey('ES256', 'e1').jwk
const ed = createSigningKey('EdDSA', 'd1').jwk

function integer(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}

/** The algorithms of a key, or why it is not used. */
function judge(entry: unknown) {
  const checked = checkJwk(entry, all)
  return 'unusable' in checked ? checked.unusable : checked.algorithms
}

describe('checkJwk()', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'K17 does not use a key with the private member %s, whatever it holds',
    (member) => {
      for (const jwk of [rsa, ec, ed]) {
        expect(judge({ ...jwk, [member]: undefined })).toBe('private_key')
      }
    },
  )

  it.each([
    ['K17 a symmetric key with a private member', { kty: 'oct', d: 'x' }, 'symmetric_key'],
    ['an Ed25519 key without its point', { ...ed, x: undefined }, 'malformed_key'],
    ['an EC key without x', { ...ec, x: undefined }, 'malformed_key'],
    ['an EC key whose y is no text', { ...ec, y: 1 }, 'malformed_key'],
    ['an EC key on the curve of another type', { ...ec, crv: 'Ed25519' }, 'crv_not_supported'],
    ['an Ed25519 key on the curve of another type', { ...ed, crv: 'P-256' }, 'crv_not_supported'],
    ['a missing exponent', { ...rsa, e: undefined }, 'malformed_key'],
    ['an exponent that is no text', { ...rsa, e: 65537 }, 'malformed_key'],
    ['an exponent that is no base64url', { ...rsa, e: 'AQ=B' }, 'malformed_key'],
    ['an empty exponent', { ...rsa, e: '' }, 'malformed_key'],
    ['a modulus in a text of 2801 characters', { ...rsa, n: 'A'.repeat(2801) }, 'malformed_key'],
    ['a modulus in a text with a line break', { ...rsa, n: `${rsa.n}\n` }, 'malformed_key'],
    ['a modulus behind a line break', { ...rsa, n: `\n${rsa.n}` }, 'malformed_key'],
    ['a modulus of nothing but zeros', { ...rsa, n: 'A'.repeat(2800) }, 'modulus_size'],
    ['an exponent just below 65537', { ...rsa, e: integer(65535n) }, 'exponent'],
    ['an exponent of 65 bits', { ...rsa, e: integer((1n << 64n) + 1n) }, 'exponent'],
    ['a use in another case', { ...rsa, use: 'SIG' }, 'use_not_sig'],
    ['no key_ops at all', { ...rsa, key_ops: [] }, 'key_ops_without_verify'],
    ['key_ops in a text', { ...rsa, key_ops: 'verify' }, 'key_ops_without_verify'],
    ['an alg that is no text', { ...rsa, alg: ['RS256'] }, 'alg_unknown'],
    ['a kid that is null', { ...rsa, kid: null }, 'kid_invalid'],
  ])('does not use %s', (_, jwk, reason) => {
    expect(judge(jwk)).toBe(reason)
  })

  it.each([
    ['exponent 65537', { ...rsa, e: integer(65537n) }],
    ['exponent 65539', { ...rsa, e: integer(65539n) }],
    ['an exponent of 64 bits', { ...rsa, e: integer((1n << 64n) - 1n) }],
    ['leading zeros', { ...rsa, e: `AAAA${integer(65537n)}` }],
    ['a modulus of 2048 bits', { ...rsa, n: integer((1n << 2047n) + 1n) }],
    ['a modulus of 8192 bits', { ...rsa, n: integer((1n << 8191n) + 1n) }],
    ['verify among other operations', { ...rsa, key_ops: ['sign', 'verify'] }],
    ['the use of signatures', { ...rsa, use: 'sig' }],
  ])('uses a key with %s', (_, jwk) => {
    expect(judge(jwk)).toEqual(['RS256'])
  })

  it.each([
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
  ])('gives the curve %s to %s alone', (crv, alg) => {
    expect(judge({ kty: 'EC', crv, x: 'x', y: 'y' })).toEqual([alg])
    for (const other of ['ES256', 'ES384', 'ES512'].filter((name) => name !== alg)) {
      expect(judge({ kty: 'EC', crv, x: 'x', y: 'y', alg: other })).toBe('alg_mismatch')
    }
  })

  it('names the kid of what it does not use, but no kid that is no text', () => {
    expect(checkJwk({ ...rsa, use: 'enc' }, all)).toEqual({ unusable: 'use_not_sig', kid: 'r1' })
    expect(checkJwk({ kty: 'oct' }, all)).toEqual({ unusable: 'symmetric_key', kid: undefined })
    expect(checkJwk({ ...rsa, kid: 7 }, all)).toEqual({ unusable: 'kid_invalid', kid: undefined })
    expect(checkJwk(null, all)).toEqual({ unusable: 'not_an_object', kid: undefined })
  })

  it.each([
    [rsa, ['kty', 'n', 'e']],
    [ec, ['kty', 'crv', 'x', 'y']],
    [ed, ['kty', 'crv', 'x']],
  ])('takes the public members and the issuer of a key, and nothing else', (jwk, names) => {
    const checked = checkJwk({ ...jwk, issuer: 'https://i.test', ext: true, x5c: ['x'] }, all)
    expect(checked).toMatchObject({ kid: jwk.kid, issuer: 'https://i.test' })
    const material = Object.fromEntries(names.map((name) => [name, jwk[name]]))
    expect(Reflect.get(checked, 'material')).toEqual(material)
    expect(checkJwk({ ...jwk, issuer: 7 }, all)).toMatchObject({ issuer: undefined })
  })
})

describe('importVerificationKey()', () => {
  it('says why a key cannot be imported, with its kid', async () => {
    const { x } = createSigningKey('ES256').jwk
    const expected = { unusable: 'malformed_key', kid: 'e1' }
    expect(await importVerificationKey({ ...ec, x }, all)).toEqual(expected)
    const enc = { ...rsa, use: 'enc' }
    expect(await importVerificationKey(enc, all)).toEqual({ unusable: 'use_not_sig', kid: 'r1' })
  })

  it('imports a key for each of its algorithms', async () => {
    const key = await importVerificationKey({ ...ed, alg: undefined, issuer: 'i' }, all)
    if ('unusable' in key) throw new Error(key.unusable)
    expect([...key.keys.keys()]).toEqual(['EdDSA', 'Ed25519'])
    expect([...key.keys.values()].map(({ type }) => type)).toEqual(['public', 'public'])
    expect(key).toMatchObject({ kid: 'd1', issuer: 'i' })
  })

  it.each([
    ['algorithm', rsa, { alg: 'PS256' }],
    ['issuer', rsa, { issuer: 'https://i.test' }],
    ['kid', rsa, { kid: undefined }],
    ['exponent', rsa, { e: integer(65539n) }],
    ['modulus', rsa, { n: createSigningKey('RS256').jwk.n }],
    ['point', ed, { x: createSigningKey('EdDSA').jwk.x }],
  ])('gives keys that differ in their %s different identities', async (_, jwk, change) => {
    const identityOf = async (entry: unknown) => {
      const key = await importVerificationKey(entry, all)
      if ('unusable' in key) throw new Error(key.unusable)
      return key.identity
    }
    expect(await identityOf({ ...jwk, ...change })).not.toBe(await identityOf(jwk))
    expect(await identityOf({ ...jwk, ext: true })).toBe(await identityOf(jwk))
  })
})

describe('isJwsAlgorithm()', () => {
  it.each([...JWS_ALGORITHMS])('knows %s', (name) => {
    expect(isJwsAlgorithm(name)).toBe(true)
  })

  it.each(['none', 'HS256', 'rs256', '', 'ES256K', undefined, null, ['RS256']])(
    'does not know %j',
    (name) => {
      expect(isJwsAlgorithm(name)).toBe(false)
    },
  )
})

describe('hasRocaFingerprint()', () => {
  const primes = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n]
    .concat([61n, 67n, 71n, 73n, 79n, 83n, 89n, 97n, 101n, 103n, 107n, 109n, 113n, 127n, 131n])
    .concat([137n, 139n, 149n, 151n, 157n, 163n, 167n])
  const product = primes.reduce((all, prime) => all * prime, 1n)

  it.each([0n, 1n, 2n, 5n, 1000n])('J53 recognises every power of 65537: %d', (power) => {
    expect(hasRocaFingerprint(product + (65537n ** power % product))).toBe(true)
  })

  it.each(primes)('J53 does not recognise a modulus that %d divides', (prime) => {
    // Divisible by this prime alone, and 1 modulo every other one.
    const others = product / prime
    let multiple = others
    while (multiple % prime !== prime - 1n) multiple += others
    expect(hasRocaFingerprint(multiple + 1n)).toBe(false)
  })
})
