import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCredential } from '../../../src/token-store/credential.js'
import { credentialDigest } from '../../../src/token-store/migration/credential-digest.js'
import type { CredentialInput } from '../../../src/token-store/token-store.js'

const full: CredentialInput = {
  kind: 'oauth2',
  secret: 'canary-secret',
  refreshToken: 'canary-refresh',
  expiresAt: 4_102_444_800,
  scopes: ['a', 'b'],
  metadata: { account: 'ann', zone: 'eu' },
}

describe('credentialDigest()', () => {
  it('is the same whatever version and time a store chose', async () => {
    const stored = createCredential(full, { version: 'one', updatedAt: 1 })
    const elsewhere = createCredential(full, { version: 'two', updatedAt: 2 })
    expect(await credentialDigest(stored)).toBe(await credentialDigest(elsewhere))
    expect(await credentialDigest(stored)).toBe(await credentialDigest(full))
  })

  it('does not depend on the order of metadata', async () => {
    const other = { ...full, metadata: { zone: 'eu', account: 'ann' } }
    expect(await credentialDigest(other)).toBe(await credentialDigest(full))
  })

  it('is the SHA-256 of the documented members', async () => {
    const canonical = '["credential-1","api-key","canary",null,null,null,null]'
    const expected = createHash('sha256').update(canonical).digest('base64url')
    expect(await credentialDigest({ kind: 'api-key', secret: 'canary' })).toBe(expected)
  })

  it.each<[string, Partial<CredentialInput>]>([
    ['another secret', { secret: 'canary-secret ' }],
    ['another refresh token', { refreshToken: 'canary-Refresh' }],
    ['no refresh token', { refreshToken: undefined }],
    ['another end', { expiresAt: 4_102_444_801 }],
    ['other scopes', { scopes: ['a', 'c'] }],
    ['no scopes instead of none named', { scopes: [] }],
    ['scopes in another order', { scopes: ['b', 'a'] }],
    ['another remark', { metadata: { account: 'ann', zone: 'us' } }],
    ['a remark fewer', { metadata: { account: 'ann' } }],
    ['a value that moved to another name', { metadata: { account: 'eu', zone: 'ann' } }],
  ])('changes with %s', async (_what, change) => {
    expect(await credentialDigest({ ...full, ...change })).not.toBe(await credentialDigest(full))
  })

  it('tells an API key from an access token', async () => {
    const [one, other] = await Promise.all(
      (['api-key', 'oauth2'] as const).map((kind) => credentialDigest({ kind, secret: 'x' })),
    )
    expect(one).not.toBe(other)
  })
})
