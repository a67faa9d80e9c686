import { describe, expect, it } from 'vitest'
import { createKeyDigests, digestBytes, digestKey } from '../../src/credentials/key-digest.js'
import { codeOf, serviceKey, userKey } from './support.js'

describe('createKeyDigests()', () => {
  it('gives the digest of every key, also when it is asked again', () => {
    const digestOf = createKeyDigests()
    for (const key of [
      serviceKey(),
      userKey('ann'),
      userKey('bob'),
      serviceKey(),
      userKey('ann'),
    ]) {
      const text = digestKey(key)
      expect(digestOf(key)).toEqual({ key, text, bytes: digestBytes(text) })
    }
  })

  it('goes on after more keys than it remembers', () => {
    const digestOf = createKeyDigests()
    for (let index = 0; index <= 5_000; index++) digestOf(userKey(`u${index}`))
    expect(digestOf(userKey('u0')).text).toBe(digestKey(userKey('u0')))
  })

  const { issuer, subject } = userKey('ann').owner as { issuer: string; subject: string }
  it.each([
    ['another kind of owner', { provider: 'coda', owner: { kind: 'admin', issuer, subject } }],
    ['no subject', { provider: 'coda', owner: { kind: 'user', issuer } }],
    [
      'a subject that is no text',
      { provider: 'coda', owner: { kind: 'user', issuer, subject: [subject] } },
    ],
    [
      'a provider that is no text',
      { provider: ['coda'], owner: { kind: 'user', issuer, subject } },
    ],
    ['no owner', { provider: 'coda' }],
    ['nothing', undefined],
  ])('refuses %s where it knows a key like it', async (_, key) => {
    const digestOf = createKeyDigests()
    digestOf(userKey('ann'))
    expect(await codeOf((async () => digestOf(key as never))())).toBe('ERR_STORE_INVALID')
  })
})
