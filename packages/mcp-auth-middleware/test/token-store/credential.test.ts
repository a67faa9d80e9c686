import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createCredential, validateCredentialInput } from '../../src/token-store/credential.js'
import type { CredentialInput } from '../../src/token-store/token-store.js'

const stamp = { version: 'v1', updatedAt: 1_700_000_000 }
const full: CredentialInput = {
  kind: 'oauth2',
  secret: 'canary-access',
  refreshToken: 'canary-refresh',
  expiresAt: 1_800_000_000,
  scopes: ['docs.read'],
  metadata: { account: 'Ann' },
}

describe('createCredential()', () => {
  it('gives all members and freezes everything', () => {
    const credential = createCredential(full, stamp)
    expect(credential.secret).toBe('canary-access')
    expect(credential.refreshToken).toBe('canary-refresh')
    expect(credential).toMatchObject({ kind: 'oauth2', scopes: ['docs.read'], ...stamp })
    expect(Object.isFrozen(credential)).toBe(true)
    expect(Object.isFrozen(credential.scopes) && Object.isFrozen(credential.metadata)).toBe(true)
  })

  it('X33 shows no secret when logged, serialised, spread or cloned', () => {
    const credential = createCredential(full, stamp)
    const shown = [
      JSON.stringify({ credential }),
      inspect({ credential }, { depth: 9 }),
      inspect([credential]),
      inspect({ ...credential }, { showHidden: true }),
      JSON.stringify(structuredClone({ ...credential })),
      Object.entries(credential).join(),
      String(credential),
    ].join('\n')
    expect(shown).not.toContain('canary')
    expect(shown.match(/\[redacted\]/g)?.length).toBe(6)
  })

  it('keeps a metadata name __proto__ as data', () => {
    const metadata = JSON.parse('{"__proto__":"x"}')
    const credential = createCredential({ kind: 'api-key', secret: 's', metadata }, stamp)
    expect(Object.entries(credential.metadata ?? {})).toEqual([['__proto__', 'x']])
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
  })

  it('does not follow later changes of the input', () => {
    const scopes = ['docs.read']
    const credential = createCredential({ kind: 'oauth2', secret: 's', scopes }, stamp)
    scopes.push('docs.write')
    expect(credential.scopes).toEqual(['docs.read'])
  })
})

describe('validateCredentialInput()', () => {
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`name-${index}`, 'x']))

  it.each([
    ['64 KiB', { secret: 'k'.repeat(65_536) }],
    ['32 metadata entries', { metadata: entries(32) }],
    ['a metadata value of 1024 bytes', { metadata: { a: 'v'.repeat(1024) } }],
    ['256 scopes', { scopes: Array.from({ length: 256 }, (_, index) => `s${index}`) }],
    ['an end in the past', { expiresAt: 1 }],
    ['no scopes', { scopes: [] }],
  ])('accepts %s', (_what, members) => {
    const input: CredentialInput = { kind: 'oauth2', secret: 's', ...members }
    expect(validateCredentialInput(input)).toEqual(input)
  })

  it.each([
    ['64 KiB and one byte', { secret: 'canary'.padEnd(65_537, 'k') }],
    ['21,846 three-byte characters', { secret: '\u20ac'.repeat(21_846) }],
    ['a secret that is no string', { secret: 5 }],
    ['an empty refresh token', { refreshToken: '' }],
    ['33 metadata entries', { metadata: entries(33) }],
    ['a metadata value of 1025 bytes', { metadata: { a: 'v'.repeat(1025) } }],
    ['an empty metadata name', { metadata: { '': 'canary' } }],
    ['metadata that is an array', { metadata: ['canary'] }],
    ['257 scopes', { scopes: Array.from({ length: 257 }, (_, index) => `s${index}`) }],
    ['an empty scope', { scopes: [''] }],
    ['a scope with a quote', { scopes: ['canary"'] }],
    ['an end of infinity', { expiresAt: Number.POSITIVE_INFINITY }],
    ['an end of 0', { expiresAt: 0 }],
    ['an end that is a text', { expiresAt: '1' }],
  ])('refuses %s', (_what, members) => {
    const input = { kind: 'oauth2', secret: 's', ...members } as CredentialInput
    let error: unknown
    try {
      validateCredentialInput(input)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'ERR_STORE_INVALID' })
    expect(String(error)).not.toContain('canary')
  })
})
