import { describe, expect, it } from 'vitest'
import {
  credentialContext,
  formatCredential,
  parseCredential,
  restoreCredential,
} from '../../src/envelope.js'
import { createCredential } from '../../src/token-store/credential.js'
import type { CredentialInput } from '../../src/token-store/token-store.js'

const full: CredentialInput = {
  kind: 'oauth2',
  secret: 'canary-"secret"\n\u{1F511}',
  refreshToken: 'canary-refresh',
  expiresAt: 1_800_000_000,
  scopes: ['docs.read'],
  metadata: { account: 'J\u00f6rg' },
}

const stamp = { version: 'v1', updatedAt: 1_700_000_000 }
const text = (value: string) => Buffer.from(value, 'utf8')
const integrity = expect.objectContaining({ code: 'ERR_STORE_INTEGRITY' })

describe('formatCredential() and parseCredential()', () => {
  it('return what was formatted', () => {
    expect(parseCredential(formatCredential(full))).toEqual(full)
    const least: CredentialInput = { kind: 'api-key', secret: 'x' }
    expect(parseCredential(formatCredential(least))).toEqual(least)
    const longest: CredentialInput = { kind: 'api-key', secret: 'x'.repeat(65_536) }
    expect(parseCredential(formatCredential(longest))).toEqual(longest)
  })

  it('formats a credential that came from a store, whose secret is not enumerable', () => {
    const stored = createCredential(full, { version: 'v1', updatedAt: 1 })
    expect(parseCredential(formatCredential(stored))).toEqual(full)
  })

  it('keeps a metadata name __proto__ as data', () => {
    const metadata = JSON.parse('{"__proto__":"x"}')
    const parsed = parseCredential(formatCredential({ kind: 'api-key', secret: 's', metadata }))
    expect(Object.entries(parsed.metadata ?? {})).toEqual([['__proto__', 'x']])
    expect(Object.getPrototypeOf(parsed.metadata)).toBe(Object.prototype)
  })

  it('refuses to format what no store accepts', () => {
    expect(() => formatCredential({ kind: 'api-key', secret: '' })).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_INVALID' }),
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', text('')],
    ['broken JSON', text('{"kind":"api-key","secret":"canary-broken')],
    ['null', text('null')],
    ['a list', text('[]')],
    ['no secret', text('{"kind":"api-key"}')],
    ['an unknown kind', text('{"kind":"canary-kind","secret":"x"}')],
    ['a member of another type', text('{"kind":"api-key","secret":"x","scopes":"canary"}')],
    ['bytes that are not UTF-8', Buffer.from('7b226b696e64223a22ff227d', 'hex')],
  ])('refuses %s as damaged, without quoting it', (_title, bytes) => {
    expect(() => parseCredential(bytes)).toThrow(integrity)
    expect(() => restoreCredential(bytes, stamp)).toThrow(integrity)
    try {
      parseCredential(bytes)
    } catch (error) {
      expect(JSON.stringify([String(error), (error as Error).cause ?? ''])).not.toContain('canary')
    }
  })
})

describe('restoreCredential()', () => {
  it('gives the credential of a store, whose secrets do not show', () => {
    const credential = restoreCredential(formatCredential(full), stamp)
    expect({ ...credential }).toEqual({
      kind: 'oauth2',
      expiresAt: full.expiresAt,
      scopes: full.scopes,
      metadata: full.metadata,
      ...stamp,
    })
    expect([credential.secret, credential.refreshToken]).toEqual([full.secret, full.refreshToken])
    expect(JSON.stringify(credential)).not.toContain('canary')
  })
})

describe('credentialContext()', () => {
  const place = { store: 'postgres', namespace: 'default', version: 'v1' }

  it('names the place, the owner and the version', () => {
    expect(
      credentialContext({ ...place, key: { provider: 'coda', owner: { kind: 'service' } } }),
    ).toEqual(['credential', 'postgres', 'default', 'coda', 'service', '', '', 'v1'])
    const owner = { kind: 'user', issuer: 'https://login.example', subject: 'ann' } as const
    expect(credentialContext({ ...place, key: { provider: 'coda', owner } })).toEqual([
      'credential',
      'postgres',
      'default',
      'coda',
      'user',
      'https://login.example',
      'ann',
      'v1',
    ])
  })
})
