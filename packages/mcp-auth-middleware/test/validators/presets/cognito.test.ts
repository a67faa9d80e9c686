import { describe, expect, it } from 'vitest'
import { type CognitoOptions, cognito } from '../../../src/validators/presets/cognito.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const POOL = 'eu-central-1_AbCdEf123'
const ISSUER = `https://cognito-idp.eu-central-1.amazonaws.com/${POOL}`
const NEW_ISSUER = `https://issuer-cognito-idp.eu-central-1.amazonaws.com/${POOL}`
const provider = createProvider(
  {
    iss: ISSUER,
    sub: 'user-1',
    token_use: 'access',
    client_id: 'client-1',
    scope: 'coda/read',
    'cognito:groups': ['admins'],
  },
  (jwks) => ({
    [`${ISSUER}/.well-known/jwks.json`]: jwks,
    [`${NEW_ISSUER}/.well-known/jwks.json`]: jwks,
  }),
)
const options = { userPoolId: POOL, clientIds: ['client-1'], ...provider.io }
const harness = attach(cognito(options), provider.clock)

describe('cognito()', () => {
  it('J41 accepts an access token of a listed client, though it has no audience', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { clientId: 'client-1', scopes: ['coda/read'] },
    })
    expect(harness.validator.resourceBinding).toBe('client')
  })

  it('accepts both issuer forms, each with its own keys', async () => {
    const before = provider.network.requests.length
    expect(await harness.judge(provider.token({ iss: NEW_ISSUER }))).toBe('accepted')
    expect(provider.network.requests.slice(before)).toEqual([`${NEW_ISSUER}/.well-known/jwks.json`])
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'J41 an ID token',
      { token_use: 'id', aud: 'client-1', client_id: undefined },
      'client_not_listed',
    ],
    ['J41 an ID token with its client', { token_use: 'id' }, 'not_an_access_token'],
    ['no token_use', { token_use: undefined }, 'not_an_access_token'],
    ['J55 another client', { client_id: 'client-2' }, 'client_not_listed'],
    ['no client', { client_id: undefined }, 'client_not_listed'],
    ['another pool', { iss: ISSUER.replace('123', '124') }, 'issuer_mismatch'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it('checks the audience as well when one is configured', async () => {
    const bound = attach(cognito({ ...options, audience: RESOURCE }), provider.clock)
    expect(bound.validator.resourceBinding).toBe('audience')
    expect(await bound.judge(provider.token({ aud: RESOURCE }))).toBe('accepted')
    expect(await bound.judge(provider.token())).toBe('rejected: audience_missing')
    const other = { aud: RESOURCE, client_id: 'client-2' }
    expect(await bound.judge(provider.token(other))).toBe('forbidden: client_not_listed')
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a pool without its region', { userPoolId: 'AbCdEf123' }, /userPoolId: /],
    ['no clients', { clientIds: [] }, /clientIds: /],
    ['clients missing', { clientIds: undefined }, /clientIds: /],
    ['an empty client', { clientIds: [''] }, /clientIds\[0\]: /],
  ])('refuses %s', (_name, changes, message) => {
    const bad = { userPoolId: POOL, clientIds: ['client-1'], ...changes }
    expect(() => cognito(bad as CognitoOptions)).toThrow(message)
  })
})
