import { describe, expect, it } from 'vitest'
import {
  credentialKeyId,
  isCredentialName,
  validateCredentialKey,
} from '../../src/token-store/credential-key.js'
import type { CredentialKey } from '../../src/token-store/token-store.js'
import { serviceKey, userKey } from './fake-store.js'

describe('validateCredentialKey()', () => {
  it('returns a frozen copy with the known members only', () => {
    const key = { ...userKey('ann'), extra: 'x' }
    const checked = validateCredentialKey(key)
    expect(checked).toEqual(userKey('ann'))
    expect(Object.isFrozen(checked) && Object.isFrozen(checked.owner)).toBe(true)
  })

  it.each([
    ['a subject of 1024 bytes', userKey('n'.repeat(1024))],
    ['an issuer of 2048 bytes', userKey('ann', 'i'.repeat(2048))],
    ['a provider of 64 characters', { ...serviceKey, provider: 'p'.repeat(64) }],
    ['a provider named __proto__', { ...serviceKey, provider: '__proto__' }],
    ['a pair of surrogates', userKey('\u{1F600}')],
  ])('accepts %s', (_what, key) => {
    expect(validateCredentialKey(key)).toEqual(key)
  })

  it.each([
    ['a subject of 1025 bytes', userKey('n'.repeat(1025))],
    ['a subject of 513 two-byte characters', userKey('\u00e9'.repeat(513))],
    ['an issuer of 2049 bytes', userKey('ann', 'i'.repeat(2049))],
    ['a provider of 65 characters', { ...serviceKey, provider: 'p'.repeat(65) }],
    ['a provider that starts with a hyphen', { ...serviceKey, provider: '-coda' }],
    ['a provider with a dot', { ...serviceKey, provider: 'co.da' }],
    ['a provider with a newline', { ...serviceKey, provider: 'coda\n' }],
    ['a lone surrogate', userKey('\ude00')],
    ['DEL', userKey('\u007f')],
    ['a C1 control character', userKey('\u0085')],
    [
      'a subject that is no string',
      { provider: 'coda', owner: { kind: 'user', issuer: 'a', subject: 1 } },
    ],
    ['an unknown owner', { provider: 'coda', owner: { kind: 'admin' } }],
    ['no owner', { provider: 'coda' }],
    ['null', null],
  ])('refuses %s', (_what, key) => {
    expect(() => validateCredentialKey(key as CredentialKey)).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_INVALID' }),
    )
  })
})

describe('credentialKeyId()', () => {
  it('differs for keys whose parts join to the same text', () => {
    const keys: CredentialKey[] = [
      userKey('bc', 'a'),
      userKey('c', 'ab'),
      userKey('a', 'bc'),
      userKey('1:a', '1:b'),
      userKey('1:b1:a', '1'),
      serviceKey,
      { provider: 'codas', owner: { kind: 'service' } },
      { ...userKey('bc', 'a'), provider: 'codau' },
    ]
    expect(new Set(keys.map(credentialKeyId)).size).toBe(keys.length)
  })
})

describe('isCredentialName()', () => {
  it('accepts names and refuses paths', () => {
    expect(['coda', 'Coda_2', '_x', '9-a'].every(isCredentialName)).toBe(true)
    expect(['', '..', 'a/b', '-a', 'a b', 'a\0', 5].some(isCredentialName)).toBe(false)
  })
})
