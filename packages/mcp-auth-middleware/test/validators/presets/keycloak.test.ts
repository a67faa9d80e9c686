import { describe, expect, it } from 'vitest'
import { type KeycloakOptions, keycloak } from '../../../src/validators/presets/keycloak.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const ISSUER = 'https://sso.test/realms/acme'
const provider = createProvider(
  {
    iss: ISSUER,
    aud: [RESOURCE, 'account'],
    sub: 'user-1',
    typ: 'Bearer',
    azp: 'client-1',
    scope: 'openid coda.read',
    nonce: 'copied by older releases',
  },
  (jwks) => ({ [`${ISSUER}/protocol/openid-connect/certs`]: jwks }),
)
const options = { url: 'https://sso.test/', realm: 'acme', ...provider.io }
const harness = attach(keycloak(options), provider.clock)

describe('keycloak()', () => {
  it('accepts an access token with an audience mapper', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { issuer: ISSUER, clientId: 'client-1', scopes: ['openid', 'coda.read'] },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['J38 an ID token of the client', { typ: 'ID', aud: 'client-1' }, 'audience_mismatch'],
    ['J38 an ID token with the audience', { typ: 'ID' }, 'not_an_access_token'],
    ['a refresh token', { typ: 'Refresh' }, 'not_an_access_token'],
    ['an offline token', { typ: 'Offline' }, 'not_an_access_token'],
    ['no kind', { typ: undefined }, 'not_an_access_token'],
    ['another spelling of the kind', { typ: 'bearer' }, 'not_an_access_token'],
    ['the default audience', { aud: 'account' }, 'audience_mismatch'],
    ['no audience', { aud: undefined }, 'audience_missing'],
    ['another realm', { iss: 'https://sso.test/realms/master' }, 'issuer_mismatch'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it.each([
    ['https://sso.test/auth', 'https://sso.test/auth/realms/acme'],
    ['http://localhost:8080', 'http://localhost:8080/realms/acme'],
  ])('builds the issuer of %s', (url, issuer) => {
    expect(keycloak({ url, realm: 'acme' }).authorizationServers).toEqual([issuer])
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['http on a public host', { url: 'http://sso.test' }, /url: /],
    ['a URL with the realm', { url: ISSUER }, /url: .*realm/],
    ['a URL with a query', { url: 'https://sso.test?x=1' }, /url: /],
    ['a realm with a slash', { realm: 'a/b' }, /realm: /],
    ['the audience account', { audience: ['account'] }, /audience: /],
  ])('refuses %s', (_name, changes, message) => {
    expect(() => keycloak({ ...options, ...changes } as KeycloakOptions)).toThrow(message)
  })
})
