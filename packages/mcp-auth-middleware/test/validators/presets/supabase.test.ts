import { describe, expect, it } from 'vitest'
import { type SupabaseOptions, supabase } from '../../../src/validators/presets/supabase.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const REF = 'abcdefghijklmnopqrst'
const ISSUER = `https://${REF}.supabase.co/auth/v1`
const provider = createProvider(
  {
    iss: ISSUER,
    aud: 'authenticated',
    sub: 'user-1',
    client_id: '9a8b7c6d-0000-4000-8000-000000000000',
    role: 'authenticated',
    email: 'ann@example.com',
    user_metadata: { email_verified: true },
  },
  (jwks) => ({ [`${ISSUER}/.well-known/jwks.json`]: jwks }),
  { typ: 'JWT' },
  'ES256',
)
const options = { projectRef: REF, ...provider.io }
const harness = attach(supabase(options), provider.clock)

describe('supabase()', () => {
  it('accepts a token of an OAuth client, without scopes and without a verified address', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { scopes: [], email: 'ann@example.com', emailVerified: false },
    })
  })

  it('says that nothing binds its tokens, unless an audience or clients do', () => {
    const unbound = attach(supabase(options), provider.clock)
    expect(unbound.validator).toMatchObject({ resourceBinding: 'none', scopeSource: 'none' })
    expect(unbound.incidents).toMatchObject([{ kind: 'warning', reason: 'no_resource_binding' }])
    const bound = attach(supabase({ ...options, audience: RESOURCE }), provider.clock)
    expect(bound.validator.resourceBinding).toBe('audience')
    expect(bound.incidents).toEqual([])
    const listed = attach(supabase({ ...options, clientIds: ['c'] }), provider.clock)
    expect(listed.validator.resourceBinding).toBe('client')
    const pretended = attach(supabase({ ...options, audience: 'authenticated' }), provider.clock)
    expect(pretended.validator.resourceBinding).toBe('none')
  })

  it('grants scopes by configuration, so that a caller cannot step up', async () => {
    const granting = attach(
      supabase({ ...options, grantScopes: ({ subject }) => (subject === 'user-1' ? ['a'] : []) }),
      provider.clock,
    )
    expect(granting.validator.scopeSource).toBe('granted')
    expect(await granting.validate(provider.token())).toMatchObject({
      principal: { scopes: ['a'] },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a session token', { client_id: undefined }, 'session_token'],
    ['an anonymous user', { is_anonymous: true }, 'anonymous_user'],
    ['another audience', { aud: 'anon' }, 'audience_mismatch'],
    ['another project', { iss: ISSUER.replace('abc', 'xyz') }, 'issuer_mismatch'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it('J03 refuses HS256 of legacy projects', async () => {
    expect(await harness.judge(provider.token({}, { alg: 'HS256' }))).toBe(
      'rejected: alg_not_allowed',
    )
  })

  it.each<[string, Record<string, unknown>]>([
    ['neither project nor domain', {}],
    ['both', { projectRef: REF, domain: 'auth.example.com' }],
    ['a short reference', { projectRef: 'abc' }],
  ])('refuses %s', (_name, bad) => {
    expect(() => supabase(bad as SupabaseOptions)).toThrow(/projectRef: /)
  })
})
