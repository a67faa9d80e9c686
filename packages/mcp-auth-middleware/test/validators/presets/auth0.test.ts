import { describe, expect, it } from 'vitest'
import { auth0 } from '../../../src/validators/presets/auth0.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const ISSUER = 'https://acme.eu.auth0.com/'
const provider = createProvider(
  {
    iss: ISSUER,
    aud: [RESOURCE, 'https://acme.eu.auth0.com/userinfo'],
    sub: 'auth0|1',
    azp: 'client-1',
    scope: 'openid coda.read',
    permissions: ['coda.write'],
  },
  (jwks) => ({
    [`${ISSUER}.well-known/openid-configuration`]: { issuer: ISSUER, jwks_uri: `${ISSUER}keys` },
    [`${ISSUER}keys`]: jwks,
  }),
)
const options = { domain: 'acme.eu.auth0.com', ...provider.io }
const harness = attach(auth0(options), provider.clock)

describe('auth0()', () => {
  it('accepts an API token and keeps the slash of the issuer', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: {
        issuer: ISSUER,
        clientId: 'client-1',
        kind: 'user',
        scopes: ['openid', 'coda.read'],
      },
    })
    expect(harness.validator.authorizationServers).toEqual([ISSUER])
    expect(await harness.judge(provider.token({}, { typ: 'at+jwt' }))).toBe('accepted')
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['an issuer without the slash', { iss: 'https://acme.eu.auth0.com' }, 'issuer_mismatch'],
    ['an ID token, whose audience is the client', { aud: 'client-1' }, 'audience_mismatch'],
    [
      'a token for userinfo only',
      { aud: 'https://acme.eu.auth0.com/userinfo' },
      'audience_mismatch',
    ],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it('reads permissions as scopes when asked', async () => {
    const rbac = attach(auth0({ ...options, scopeClaim: 'permissions' }), provider.clock)
    expect(await rbac.validate(provider.token())).toMatchObject({
      principal: { scopes: ['coda.write'] },
    })
  })

  it('calls machines services', async () => {
    expect(await harness.validate(provider.token({ sub: 'client-1@clients' }))).toMatchObject({
      principal: { kind: 'service' },
    })
  })
})
