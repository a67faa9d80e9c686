import { describe, expect, it } from 'vitest'
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../../src/jwt/algorithms.js'
import { importVerificationKey } from '../../src/jwt/jwk.js'
import { hasRocaFingerprint } from '../../src/jwt/roca.js'
import { createSigningKey } from './sign.js'

const rsa = createSigningKey('RS256', 'r1')
const ec = createSigningKey('ES256', 'e1')
const ed = createSigningKey('EdDSA', 'd1')
const all: ReadonlySet<JwsAlgorithm> = new Set(JWS_ALGORITHMS)

async function algorithmsOf(
  jwk: Record<string, unknown>,
  allowed: ReadonlySet<JwsAlgorithm> = all,
): Promise<string[] | string> {
  const key = await importVerificationKey(jwk, allowed)
  return 'unusable' in key ? key.unusable : [...key.keys.keys()]
}

function without(jwk: Record<string, unknown>, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))
}

function integer(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}

describe('importVerificationKey()', () => {
  it.each([
    ['RSA', rsa.jwk, ['RS256']],
    ['EC', ec.jwk, ['ES256']],
    ['Ed25519', ed.jwk, ['EdDSA']],
  ])('K18 pins the algorithm that an %s key names', async (_name, jwk, expected) => {
    expect(await algorithmsOf(jwk)).toEqual(expected)
  })

  it('derives the algorithms from type and curve when the key names none', async () => {
    const rsaNames = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
    expect(await algorithmsOf(without(rsa.jwk, 'alg'))).toEqual(rsaNames)
    expect(await algorithmsOf(without(rsa.jwk, 'alg'), new Set(['PS256']))).toEqual(['PS256'])
    expect(await algorithmsOf(without(ec.jwk, 'alg'))).toEqual(['ES256'])
    expect(await algorithmsOf(without(ed.jwk, 'alg'))).toEqual(['EdDSA', 'Ed25519'])
  })

  it('does without use, key_ops and kid', async () => {
    expect(await algorithmsOf(without(ec.jwk, 'use', 'kid'))).toEqual(['ES256'])
    expect(await algorithmsOf({ ...ec.jwk, key_ops: ['verify'] })).toEqual(['ES256'])
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['K17 a symmetric key', { kty: 'oct', k: 'AAAA', alg: 'HS256' }, 'symmetric_key'],
    ['K17 an RSA private member', { ...rsa.jwk, d: 'AQAB' }, 'private_key'],
    ['K17 an EC private member', { ...ec.jwk, d: 'AQAB' }, 'private_key'],
    ['K17 an encryption key', { ...rsa.jwk, use: 'enc' }, 'use_not_sig'],
    ['K17 key_ops without verify', { ...rsa.jwk, key_ops: ['encrypt'] }, 'key_ops_without_verify'],
    ['key_ops that are no list', { ...rsa.jwk, key_ops: 'verify' }, 'key_ops_without_verify'],
    ['J53 ES521, which no RFC names', { ...ec.jwk, alg: 'ES521' }, 'alg_unknown'],
    ['an encryption algorithm', { ...rsa.jwk, alg: 'RSA-OAEP' }, 'alg_unknown'],
    ['J53 a P-256 key with alg ES384', { ...ec.jwk, alg: 'ES384' }, 'alg_mismatch'],
    ['an EC key with an RSA algorithm', { ...ec.jwk, alg: 'RS256' }, 'alg_mismatch'],
    ['an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }, 'kty_not_supported'],
    ['a curve for key agreement', { ...ed.jwk, crv: 'X25519' }, 'crv_not_supported'],
    ['secp256k1', { ...ec.jwk, crv: 'secp256k1', alg: undefined }, 'crv_not_supported'],
    ['J53 exponent 1', { ...rsa.jwk, e: 'AQ' }, 'exponent'],
    ['J53 exponent 3', { ...rsa.jwk, e: 'Aw' }, 'exponent'],
    ['an even exponent', { ...rsa.jwk, e: integer(65538n) }, 'exponent'],
    ['a missing modulus', without(rsa.jwk, 'n'), 'malformed_key'],
    ['a modulus that is no base64url', { ...rsa.jwk, n: '!!' }, 'malformed_key'],
    ['a missing coordinate', without(ec.jwk, 'y'), 'malformed_key'],
    ['a kid that is no text', { ...ec.jwk, kid: 1 }, 'kid_invalid'],
  ])('does not use %s', async (_name, jwk, reason) => {
    expect(await algorithmsOf(jwk)).toBe(reason)
  })

  it.each([null, 1, 'key', []])('does not use %j', async (entry) => {
    expect(await importVerificationKey(entry, all)).toMatchObject({ unusable: 'not_an_object' })
  })

  it('J53 does not use RSA keys below 2048 bits, and uses those of 2048', async () => {
    const { jwk } = createSigningKey('RS256', 'small', 1024)
    expect(await algorithmsOf(jwk)).toBe('modulus_size')
    // One bit short, with leading zero bytes that must not count.
    const short = `AAAA${integer((1n << 2046n) + 1n)}`
    expect(await algorithmsOf({ ...rsa.jwk, n: short })).toBe('modulus_size')
    expect(await algorithmsOf({ ...rsa.jwk, n: integer((1n << 8192n) + 1n) })).toBe('modulus_size')
  })

  it('J53 does not use a point that is not on its curve', async () => {
    const { x } = createSigningKey('ES256').jwk
    expect(await algorithmsOf({ ...ec.jwk, x })).toBe('malformed_key')
  })

  it('leaves out keys for algorithms that are not allowed', async () => {
    expect(await algorithmsOf(rsa.jwk, new Set(['ES256']))).toBe('alg_not_allowed')
  })

  it('gives equal keys one identity, and different keys different ones', async () => {
    const identityOf = async (jwk: Record<string, unknown>): Promise<string> => {
      const key = await importVerificationKey(jwk, all)
      return 'unusable' in key ? key.unusable : key.identity
    }
    const reordered = Object.fromEntries(Object.entries(ec.jwk).reverse())
    expect(await identityOf(reordered)).toBe(await identityOf(ec.jwk))
    expect(await identityOf({ ...ec.jwk, kid: 'other' })).not.toBe(await identityOf(ec.jwk))
    expect(await identityOf(createSigningKey('ES256', 'e1').jwk)).not.toBe(await identityOf(ec.jwk))
  })
})

describe('hasRocaFingerprint()', () => {
  const primes = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73]
    .concat([79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167])
    .map(BigInt)
  const primorial = primes.reduce((product, prime) => product * prime, 1n)

  it('J53 recognises a modulus of the faulty form, and not its neighbour', () => {
    const faulty = primorial * (1n << 1800n) + (65537n ** 12n % primorial)
    expect(hasRocaFingerprint(faulty)).toBe(true)
    expect(hasRocaFingerprint(faulty + 2n)).toBe(false)
  })

  it('leaves freshly generated moduli alone', () => {
    const modulus = BigInt(`0x${Buffer.from(String(rsa.jwk.n), 'base64url').toString('hex')}`)
    expect(hasRocaFingerprint(modulus)).toBe(false)
  })
})
