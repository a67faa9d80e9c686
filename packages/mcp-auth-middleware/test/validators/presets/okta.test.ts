import { describe, expect, it } from 'vitest'
import { type OktaOptions, okta } from '../../../src/validators/presets/okta.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const ISSUER = 'https://acme.okta.com/oauth2/default'
const provider = createProvider(
  {
    iss: ISSUER,
    aud: RESOURCE,
    sub: 'ann@example.com',
    cid: 'client-1',
    uid: '00u1',
    scp: ['coda.read'],
  },
  (jwks) => ({ [`${ISSUER}/v1/keys`]: jwks }),
)
const harness = attach(okta({ issuer: ISSUER, ...provider.io }), provider.clock)

describe('okta()', () => {
  it('accepts an access token and reads its scope list', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { clientId: 'client-1', scopes: ['coda.read'], kind: 'user' },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['an ID token, which has no cid', { cid: undefined }, 'claim_missing'],
    ['the default audience', { aud: 'api://default' }, 'audience_mismatch'],
    ['the organisation issuer', { iss: 'https://acme.okta.com' }, 'issuer_mismatch'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it('calls a client that acts for itself a service', async () => {
    expect(await harness.validate(provider.token({ sub: 'client-1' }))).toMatchObject({
      principal: { kind: 'service' },
    })
  })

  it.each([
    'https://acme.okta.com',
    'https://acme.okta.com/oauth2/default/',
    'http://acme.okta.com/oauth2/default',
    'https://a@acme.okta.com/oauth2/default',
    undefined,
  ])('refuses issuer %j', (issuer) => {
    expect(() => okta({ issuer } as OktaOptions)).toThrow(/issuer: /)
  })
})
