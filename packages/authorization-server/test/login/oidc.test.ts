import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OidcOptions, oidc } from '../../src/login/oidc.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from './support/openid-provider.js'
import { CALLBACK, signIn } from './support/sign-in.js'

let provider: OpenidProvider

beforeEach(async () => {
  provider = await startOpenidProvider()
})

afterEach(() => provider.close())

const base = {
  id: 'company',
  label: 'Company login',
  issuer: 'https://login.example.com',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
}

const login = (options: Partial<OidcOptions> = {}) =>
  oidc({ ...base, issuer: provider.issuer, ...options })

async function identityOf(claims: Record<string, unknown>, options: Partial<OidcOptions> = {}) {
  provider.claims = claims
  const result = await signIn(login(options), provider)
  if (result.kind !== 'identity') throw new Error(result.reason)
  return result.identity
}

describe('oidc()', () => {
  it('asks for the configured scopes, and always for openid', async () => {
    const { url } = await login({ scopes: ['email', 'groups'] }).start(CALLBACK)

    expect(url.searchParams.get('scope')).toBe('openid email groups')
  })

  it.each([
    ['true', { email_verified: true }, {}, 'ann@example.com'],
    ['absent', {}, {}, undefined],
    ['the text "true"', { email_verified: 'true' }, {}, undefined],
    ['false', { email_verified: false }, {}, undefined],
    ['absent, which is allowed', {}, { requireEmailVerified: false }, 'ann@example.com'],
    [
      'false, where absence is allowed',
      { email_verified: false },
      { requireEmailVerified: false },
      undefined,
    ],
    [
      'null, where absence is allowed',
      { email_verified: null },
      { requireEmailVerified: false },
      undefined,
    ],
  ])('A53 takes the address when email_verified is %s', async (_name, claims, options, email) => {
    const identity = await identityOf({ email: 'ann@example.com', ...claims }, options)

    expect(identity.email).toBe(email)
  })

  it('asks the userinfo endpoint for an address that the ID token lacks', async () => {
    provider.userinfo = { email: 'ann@example.com', email_verified: true, name: 'Ann' }

    await expect(identityOf({})).resolves.toMatchObject({ email: 'ann@example.com', name: 'Ann' })
  })

  it('does not mix an address of the one place with the verification of the other', async () => {
    provider.userinfo = { email: 'ann@example.com', email_verified: true }
    await expect(identityOf({ email: 'eve@evil.test' })).resolves.toMatchObject({
      email: undefined,
    })

    provider.userinfo = { email: 'ann@example.com' }
    await expect(identityOf({ email_verified: true })).resolves.toMatchObject({ email: undefined })
  })

  it('takes the identity from the ID token alone, and refuses userinfo of somebody else', async () => {
    provider.userinfo = { iss: 'https://evil.test', email: 'ann@example.com', email_verified: true }
    await expect(identityOf({})).resolves.toMatchObject({
      issuer: provider.issuer,
      subject: 'subject-1',
    })

    provider.userinfo = { sub: 'subject-2', email: 'ann@example.com', email_verified: true }
    await expect(signIn(login(), provider)).resolves.toMatchObject({ kind: 'invalid' })
  })

  it('does without userinfo where there is none', async () => {
    await provider.close()
    provider = await startOpenidProvider({ metadata: { userinfo_endpoint: undefined } })

    await expect(identityOf({ email_verified: true })).resolves.toMatchObject({
      subject: 'subject-1',
      email: undefined,
    })
  })

  it('asks each endpoint once and gives nothing of the upstream access token back', async () => {
    provider.userinfo = { email: 'ann@example.com', email_verified: true }
    const identity = await identityOf({})

    expect(JSON.stringify(identity)).not.toContain('canary')
    expect(provider.requests).toEqual(['metadata', 'token', 'jwks', 'userinfo'])
  })

  it('shows names and pictures only in a form that cannot harm a page', async () => {
    const claims = { email: 'a@example.com', name: ' A\u202Enn\n\u0000B ', picture: 'javascript:x' }

    await expect(identityOf(claims)).resolves.toMatchObject({ name: 'A nn B', picture: undefined })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['plain http', { issuer: 'http://login.example.com' }, 'issuer'],
    ['a query in the issuer', { issuer: 'https://login.example.com?x=1' }, 'issuer'],
    ['a fragment in the issuer', { issuer: 'https://login.example.com#' }, 'issuer'],
    ['a password in the issuer', { issuer: 'https://a:canary@login.example.com' }, 'issuer'],
    ['no issuer', { issuer: undefined }, 'issuer'],
    ['the issuer of Google', { issuer: 'https://accounts.google.com' }, 'google'],
    ['an issuer of Microsoft', { issuer: 'https://login.microsoftonline.com/x/v2.0' }, 'microsoft'],
    ['an id with a slash', { id: 'a/b' }, 'id'],
    ['an id in dots', { id: '..' }, 'id'],
    ['an empty label', { label: ' ' }, 'label'],
    ['two scopes in one', { scopes: ['email profile'] }, 'scopes'],
    [
      'a token endpoint over http',
      { tokenEndpoint: 'http://login.example.com/t' },
      'tokenEndpoint',
    ],
    ['a word for a boolean', { requireEmailVerified: 'false' }, 'requireEmailVerified'],
    ['a misspelt option', { clientSecrets: 'canary' }, 'clientSecrets'],
    [
      'no options',
      { ...Object.fromEntries(Object.keys(base).map((key) => [key, undefined])) },
      'clientSecret',
    ],
  ])('P18 refuses to be made with %s', (_name, options, path) => {
    const make = () => oidc({ ...base, ...options } as OidcOptions)

    expect(make).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION' }))
    expect(make).toThrow(path)
    expect(make).not.toThrow(/canary/)
  })
})
