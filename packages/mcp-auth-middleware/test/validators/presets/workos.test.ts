import { describe, expect, it } from 'vitest'
import { type WorkosOptions, workos } from '../../../src/validators/presets/workos.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const ISSUER = 'https://acme.authkit.app'
const provider = createProvider(
  { iss: ISSUER, aud: RESOURCE, sub: 'user_1', scope: 'openid coda.read' },
  (jwks) => ({ [`${ISSUER}/oauth2/jwks`]: jwks }),
)
const harness = attach(workos({ domain: 'acme.authkit.app', ...provider.io }), provider.clock)

describe('workos()', () => {
  it('accepts a token for the resource', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { issuer: ISSUER, subject: 'user_1', scopes: ['openid', 'coda.read'] },
    })
    expect(harness.validator.authorizationServers).toEqual([ISSUER])
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a user-management session',
      { iss: 'https://api.workos.com/user_management/client_1', aud: undefined },
      'issuer_mismatch',
    ],
    ['a token for a client', { aud: 'client_1' }, 'audience_mismatch'],
    ['an ID token', { nonce: 'n' }, 'id_token'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it('takes the domain as people paste it', () => {
    const { authorizationServers } = workos({ domain: 'https://Acme.authkit.app/' })
    expect(authorizationServers).toEqual([ISSUER])
  })

  it.each(['', 'acme', 'acme.authkit.app/path', 'http://acme.authkit.app', 'a b.test', undefined])(
    'refuses domain %j',
    (domain) => {
      expect(() => workos({ domain } as WorkosOptions)).toThrow(/domain: /)
    },
  )
})
