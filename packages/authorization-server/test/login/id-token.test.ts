import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { oidc } from '../../src/login/oidc.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from './support/openid-provider.js'
import type { ProviderFaults } from './support/provider-faults.js'
import { signIn } from './support/sign-in.js'

let provider: OpenidProvider

beforeEach(async () => {
  provider = await startOpenidProvider()
  provider.claims = { email: 'Ann@Example.com', email_verified: true }
})

afterEach(() => provider.close())

function login(options: Partial<Parameters<typeof oidc>[0]> = {}) {
  return oidc({
    id: 'company',
    label: 'Company login',
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    ...options,
  })
}

describe('the ID token', () => {
  const accepted: readonly (readonly [string, ProviderFaults])[] = [
    ['of the right shape', {}],
    ['with azp that is this client', { claims: { azp: CLIENT_ID } }],
    ['for a list of this client alone', { claims: { aud: [CLIENT_ID] } }],
    ['for two audiences and azp', { claims: { aud: ['other', CLIENT_ID], azp: CLIENT_ID } }],
    ['expired 5 s ago', { times: { exp: -5 } }],
    ['issued in 5 s', { times: { iat: 5 } }],
  ]

  it.each(accepted)('A46 is accepted: %s', async (_name, faults) => {
    provider.faults = faults

    await expect(signIn(login(), provider)).resolves.toMatchObject({ kind: 'identity' })
  })

  const refused: readonly (readonly [string, ProviderFaults, string])[] = [
    ['with alg none', { signature: 'none' }, 'id_token_algorithm'],
    [
      'with HS256 and the client secret',
      { signature: 'hs256-client-secret' },
      'id_token_algorithm',
    ],
    ['signed by another key with this kid', { signature: 'other-key' }, 'id_token_signature'],
    ['with a changed signature', { signature: 'flipped' }, 'id_token_signature'],
    ['with an unknown kid', { header: { kid: 'k2' } }, 'id_token_key'],
    ['with crit', { header: { crit: ['b64'], b64: true } }, 'id_token_header'],
    ['with another nonce', { claims: { nonce: 'other' } }, 'id_token_nonce'],
    ['without nonce', { claims: { nonce: undefined } }, 'id_token_claims'],
    ['for another audience', { claims: { aud: 'other' } }, 'id_token_aud'],
    ['for a longer audience', { claims: { aud: `${CLIENT_ID}2` } }, 'id_token_aud'],
    ['without audience', { claims: { aud: undefined } }, 'id_token_claims'],
    ['for two audiences without azp', { claims: { aud: [CLIENT_ID, 'other'] } }, 'id_token_aud'],
    ['with azp of another client', { claims: { azp: 'other' } }, 'id_token_azp'],
    [
      'for two audiences with azp of the other',
      { claims: { aud: [CLIENT_ID, 'other'], azp: 'other' } },
      'id_token_azp',
    ],
    ['of another issuer', { claims: { iss: 'https://other.example' } }, 'id_token_iss'],
    ['without issuer', { claims: { iss: undefined } }, 'id_token_claims'],
    ['expired 11 s ago', { times: { exp: -11 } }, 'id_token_exp'],
    ['without exp', { claims: { exp: undefined } }, 'id_token_claims'],
    ['with exp as text', { claims: { exp: '99999999999' } }, 'id_token_claims'],
    ['not valid before a minute', { times: { nbf: 60 } }, 'id_token_nbf'],
    ['issued in a minute', { times: { iat: 60 } }, 'id_token_iat'],
    ['without iat', { claims: { iat: undefined } }, 'id_token_claims'],
    ['without subject', { claims: { sub: undefined } }, 'id_token_claims'],
    ['with an empty subject', { claims: { sub: '' } }, 'id_token_sub'],
    ['with a number as subject', { claims: { sub: 7 } }, 'id_token_claims'],
    ['with a line break in the subject', { claims: { sub: 'a\nb' } }, 'id_token_sub'],
    ['with a subject of 256 characters', { claims: { sub: 'x'.repeat(256) } }, 'id_token_sub'],
  ]

  it.each(refused)('A46 is refused: %s', async (_name, faults, reason) => {
    provider.faults = faults

    await expect(signIn(login(), provider)).resolves.toEqual({ kind: 'invalid', reason })
  })

  it('A46 is refused with an issuer that differs by a slash', async () => {
    provider.faults = { claims: { iss: `${provider.issuer}/` } }

    await expect(signIn(login(), provider)).resolves.toEqual({
      kind: 'invalid',
      reason: 'id_token_iss',
    })
  })

  it('A46 is judged by the clock that was given', async () => {
    let ahead = 0
    const company = login({ now: () => Date.now() + ahead })
    provider.faults = { times: { exp: 100 } }

    await expect(signIn(company, provider)).resolves.toMatchObject({ kind: 'identity' })
    ahead = 111_000
    await expect(signIn(company, provider)).resolves.toEqual({
      kind: 'invalid',
      reason: 'id_token_exp',
    })
  })

  it('A46 is refused when a key of another use signed it', async () => {
    await provider.close()
    provider = await startOpenidProvider({ publishedKey: { use: 'enc' } })

    await expect(signIn(login(), provider)).resolves.toEqual({
      kind: 'invalid',
      reason: 'id_token_key',
    })
  })

  it('A46 is never one with a shared secret, whatever the metadata announce', async () => {
    await provider.close()
    const metadata = { id_token_signing_alg_values_supported: ['none', 'HS256', 'RS256'] }
    provider = await startOpenidProvider({ metadata })
    provider.faults = { signature: 'hs256-client-secret' }
    await expect(signIn(login(), provider)).resolves.toMatchObject({ kind: 'invalid' })

    provider.faults = {}
    await expect(signIn(login(), provider)).resolves.toMatchObject({ kind: 'identity' })
  })
})
