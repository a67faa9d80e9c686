import { describe, expect, it } from 'vitest'
import { clerk } from '../../../src/validators/presets/clerk.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const ISSUER = 'https://clerk.example.com'
const provider = createProvider(
  { iss: ISSUER, sub: 'user_1', client_id: 'client-1', scp: ['profile', 'coda.read'] },
  (jwks) => ({ [`${ISSUER}/.well-known/jwks.json`]: jwks }),
  { typ: 'at+jwt' },
)
const options = { domain: 'clerk.example.com', ...provider.io }

describe('clerk()', () => {
  it('accepts OAuth tokens of listed clients, which need no audience', async () => {
    const harness = attach(clerk({ ...options, clientIds: ['client-1'] }), provider.clock)
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { scopes: ['profile', 'coda.read'] },
    })
    expect(harness.validator.resourceBinding).toBe('client')
    expect(await harness.judge(provider.token({ client_id: 'client-2' }))).toBe(
      'rejected: client_not_listed',
    )
  })

  it('requires the audience when no client is listed', async () => {
    const harness = attach(clerk(options), provider.clock)
    expect(harness.validator.resourceBinding).toBe('audience')
    expect(await harness.judge(provider.token({ aud: RESOURCE }))).toBe('accepted')
    expect(await harness.judge(provider.token())).toBe('rejected: audience_missing')
  })

  it('requires both when both are configured', async () => {
    const both = { ...options, clientIds: ['client-1'], audience: RESOURCE }
    const harness = attach(clerk(both), provider.clock)
    expect(await harness.judge(provider.token({ aud: RESOURCE }))).toBe('accepted')
    expect(await harness.judge(provider.token())).toBe('rejected: audience_missing')
  })

  it('refuses session tokens', async () => {
    const harness = attach(clerk({ ...options, clientIds: ['client-1'] }), provider.clock)
    expect(await harness.judge(provider.token({}, { typ: 'JWT', cat: 'cl_B7d4PD111AAA' }))).toBe(
      'rejected: typ_not_allowed',
    )
    expect(await harness.judge(provider.token({ client_id: undefined }))).toBe(
      'rejected: client_not_listed',
    )
  })

  it('reads a scope text as well', async () => {
    const harness = attach(clerk({ ...options, clientIds: ['client-1'] }), provider.clock)
    const token = provider.token({ scp: undefined, scope: 'profile email' })
    expect(await harness.validate(token)).toMatchObject({
      principal: { scopes: ['profile', 'email'] },
    })
  })
})
