import { createHash } from 'node:crypto'
import { type CredentialKey, credentialKeyId } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it } from 'vitest'
import { createKeyDigests, digestBytes, digestKey } from '../../src/credentials/key-digest.js'

const CAPACITY = 5_000

// Not those of the support file, which loads a database for every mutant.
const serviceKey = (): CredentialKey => ({ provider: 'coda', owner: { kind: 'service' } })
const userKey = (subject: string): CredentialKey => ({
  provider: 'coda',
  owner: { kind: 'user', issuer: 'https://issuer.example', subject },
})

function codeOf(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return Reflect.get(Object(error), 'code')
  }
}

describe('digestKey()', () => {
  it.each([serviceKey(), userKey('ann')])('is SHA-256 as base64url for %j', (key) => {
    const sha256 = createHash('sha256').update(credentialKeyId(key)).digest()
    expect(digestKey(key)).toBe(sha256.toString('base64url'))
    expect(digestBytes(digestKey(key)).equals(sha256)).toBe(true)
  })
})

describe('createKeyDigests()', () => {
  it.each([serviceKey(), userKey('ann')])('gives %j with its digest in both forms', (key) => {
    const text = digestKey(key)
    const bytes = Buffer.from(text, 'base64url')
    expect(createKeyDigests()(key)).toEqual({ key, text, bytes })
  })

  it.each([serviceKey(), userKey('ann')])('remembers %j, and not in another instance', (key) => {
    const digestOf = createKeyDigests()
    const first = digestOf(key)
    expect(digestOf(structuredClone(key))).toBe(first)
    expect(createKeyDigests()(key)).not.toBe(first)
  })

  it('remembers 5,000 keys, and of more forgets the one that came first', () => {
    const digestOf = createKeyDigests()
    const all = Array.from({ length: CAPACITY }, (_, index) => digestOf(userKey(`u${index}`)))
    expect(all.every((each, index) => digestOf(userKey(`u${index}`)) === each)).toBe(true)
    digestOf(serviceKey())
    for (const index of [1, 2, CAPACITY - 1]) {
      expect(digestOf(userKey(`u${index}`)), `u${index}`).toBe(all[index])
    }
    expect(digestOf(userKey('u0'))).not.toBe(all[0])
  })

  const lookAlike = (text: string) => ({ length: text.length, toString: () => text })
  const { issuer, subject } = userKey('ann').owner as { issuer: string; subject: string }
  const kind = 'user'
  it.each([
    ['issuer', { provider: 'coda', owner: { kind, issuer: lookAlike(issuer), subject } }],
    ['subject', { provider: 'coda', owner: { kind, issuer, subject: lookAlike(subject) } }],
    ['provider', { provider: lookAlike('coda'), owner: { kind, issuer, subject } }],
    ['provider of a service', { provider: lookAlike('coda'), owner: { kind: 'service' } }],
  ])('refuses an %s that only reads like the text of a known key', (_, key) => {
    const digestOf = createKeyDigests()
    digestOf(userKey('ann'))
    digestOf(serviceKey())
    expect(credentialKeyId(key as never)).toMatch(/^4:coda[su]/)
    expect(codeOf(() => digestOf(key as never))).toBe('ERR_STORE_INVALID')
  })

  it.each([
    ['another kind of owner', { provider: 'coda', owner: { kind: 'admin', issuer, subject } }],
    ['no owner', { provider: 'coda' }],
    ['nothing', undefined],
  ])('refuses %s where it knows a key like it', (_, key) => {
    const digestOf = createKeyDigests()
    digestOf(userKey('ann'))
    expect(codeOf(() => digestOf(key as never))).toBe('ERR_STORE_INVALID')
  })
})
