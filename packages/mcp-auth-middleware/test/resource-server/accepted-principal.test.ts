import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/principal.js'
import { acceptPrincipal } from '../../src/resource-server/accepted-principal.js'
import { createScopeReader } from '../../src/resource-server/granted-scopes.js'
import { createScopeHierarchy } from '../../src/resource-server/scope.js'
import { principalOf } from './fakes.js'

const readScopes = createScopeReader(createScopeHierarchy({}))
const accept = (principal: Principal) => acceptPrincipal(principal, readScopes)

describe('acceptPrincipal()', () => {
  it('returns a frozen copy whose scopes are frozen and without repeats', () => {
    const scopes = ['a', 'b', 'a']
    const accepted = accept(principalOf({ scopes, expiresAt: 1, clientId: 'c' }))
    expect(accepted).toEqual(principalOf({ scopes: ['a', 'b'], expiresAt: 1, clientId: 'c' }))
    expect(Object.isFrozen(accepted)).toBe(true)
    expect(Object.isFrozen(accepted?.scopes)).toBe(true)
    scopes.push('admin')
    expect(accepted?.scopes).toEqual(['a', 'b'])
  })

  it('judges and returns the same values of members that change while they are read', () => {
    const subjects = ['ann', 'a\nb', 'a\nb']
    const principal = { ...principalOf(), subject: '' }
    Object.defineProperty(principal, 'subject', { get: () => subjects.shift(), enumerable: true })
    expect(accept(principal)?.subject).toBe('ann')
  })

  it('keeps members that it does not know', () => {
    const own = { ...principalOf(), plan: 'free' }
    expect(accept(own)).toEqual(own)
  })

  it.each(['ann', 'ann@corp.test', 'auth0|1234', 'x'.repeat(1024), 'Zoë', '👩‍🚀'])(
    'accepts the subject %s',
    (subject) => {
      expect(accept(principalOf({ subject }))).toMatchObject({ subject })
    },
  )

  it.each<[string, Record<string, unknown>]>([
    ['J42 no subject', { subject: undefined }],
    ['J42 an empty subject', { subject: '' }],
    ['a number as subject', { subject: 7 }],
    ['J22 a line break in the subject', { subject: 'a\nb' }],
    ['J22 NUL in the subject', { subject: 'a\u0000' }],
    ['J22 a bidirectional override in the subject', { subject: 'a\u202eb' }],
    ['J22 an Arabic letter mark in the subject', { subject: 'a\u061cb' }],
    ['J22 a left-to-right mark in the subject', { subject: 'a\u200eb' }],
    ['J22 a right-to-left mark in the subject', { subject: 'a\u200fb' }],
    ['J22 a lone surrogate in the subject', { subject: 'a\ud800' }],
    ['J22 a subject of more than 1024 characters', { subject: 'x'.repeat(1025) }],
    ['no issuer', { issuer: undefined }],
    ['an empty issuer', { issuer: '' }],
    ['another kind', { kind: 'admin' }],
    ['scopes as a text', { scopes: 'read write' }],
    ['a scope that is two', { scopes: ['read write'] }],
    ['a scope that is a number', { scopes: [1] }],
    ['scopes with a hole', { scopes: new Array(1) }],
    ['an end that is a text', { expiresAt: '1' }],
    ['an end that is no number', { expiresAt: Number.NaN }],
    ['an end that never comes', { expiresAt: Number.POSITIVE_INFINITY }],
    ['an empty client', { clientId: '' }],
    ['an address that is a list', { email: ['ann@corp.test'] }],
    ['J58 a token id that is a number', { tokenId: 5 }],
    ['a grant id that is a number', { grantId: 5 }],
    ['a tenant that is a number', { tenant: 5 }],
    ['no claims', { claims: undefined }],
    ['null claims', { claims: null }],
  ])('refuses %s', (_, members) => {
    expect(accept({ ...principalOf(), ...members } as Principal)).toBeUndefined()
  })

  it.each([undefined, null, 'ann', 7])('refuses %s in the place of a principal', (value) => {
    expect(accept(value as never)).toBeUndefined()
  })
})
