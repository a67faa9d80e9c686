import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAdmission } from '../../src/login/admission.js'
import { google } from '../../src/login/google.js'
import type { Admission, LoginResult } from '../../src/login/login-provider.js'
import { GOOGLE_CONSUMER, GOOGLE_WORKSPACE } from './support/claims.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from './support/openid-provider.js'
import { CALLBACK, signIn } from './support/sign-in.js'

let provider: OpenidProvider

beforeEach(async () => {
  provider = await startOpenidProvider({
    issuer: 'https://accounts.google.com',
    metadata: { authorization_response_iss_parameter_supported: true },
  })
})

afterEach(() => provider.close())

const login = (options: { readonly hostedDomain?: string } = {}) =>
  google({
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    fetch: provider.fetch,
    ...options,
  })

const ISS = { iss: 'https://accounts.google.com' }

async function admits(result: LoginResult, admission: Admission, invited = false) {
  if (result.kind !== 'identity') return result.kind
  const decision = admission(result.identity, { invited })
  return decision.admitted ? 'admitted' : decision.reason
}

describe('google()', () => {
  it('asks which account to use, and for the Workspace domain when one is set', async () => {
    const plain = await login().start(CALLBACK)
    const hosted = await login({ hostedDomain: 'Example.com' }).start(CALLBACK)

    expect(plain.url.origin).toBe('https://accounts.google.com')
    expect(plain.url.searchParams.get('prompt')).toBe('select_account')
    expect(plain.url.searchParams.has('hd')).toBe(false)
    expect(hosted.url.searchParams.get('hd')).toBe('example.com')
  })

  it('names a Workspace account by iss and sub, with its domain', async () => {
    provider.claims = GOOGLE_WORKSPACE

    await expect(signIn(login(), provider, ISS)).resolves.toEqual({
      kind: 'identity',
      identity: {
        provider: 'google',
        issuer: 'https://accounts.google.com',
        subject: '110169484474386276334',
        email: 'ann@example.com',
        hostedDomain: 'example.com',
        name: 'Ann Example',
        picture: 'https://lh3.googleusercontent.com/a/example',
      },
    })
  })

  it('refuses the answer without iss, which Google announces', async () => {
    provider.claims = GOOGLE_WORKSPACE

    await expect(signIn(login(), provider)).resolves.toMatchObject({ kind: 'invalid' })
  })

  it('refuses tokens that name the issuer without its scheme', async () => {
    provider.claims = { ...GOOGLE_WORKSPACE, iss: 'accounts.google.com' }

    await expect(signIn(login(), provider, ISS)).resolves.toEqual({
      kind: 'invalid',
      reason: 'id_token_iss',
    })
  })

  it.each([
    ['a Workspace address', {}, 'ann@example.com'],
    [
      'an address of another domain of the Workspace',
      { email: 'ann@example.org' },
      'ann@example.org',
    ],
    ['a Gmail address without hd', { hd: undefined, email: 'Ann@Gmail.com' }, 'ann@gmail.com'],
    ['email_verified as the text "true"', { email_verified: 'true' }, undefined],
    ['email_verified 1', { email_verified: 1 }, undefined],
    ['email_verified false', { email_verified: false }, undefined],
    ['no email_verified', { email_verified: undefined }, undefined],
    ['no hd and an address elsewhere', { hd: undefined }, undefined],
    ['an hd that is no domain, and an address elsewhere', { hd: true }, undefined],
    ['an address that ends like Gmail', { hd: undefined, email: 'a@xgmail.com' }, undefined],
    ['no address', { email: undefined }, undefined],
    ['a list as address', { email: ['ann@example.com'] }, undefined],
  ])('A53 uses for admission, given %s: %s', async (_name, change, email) => {
    provider.claims = { ...GOOGLE_WORKSPACE, ...change }
    const result = await signIn(login(), provider, ISS)

    expect(result.kind).toBe('identity')
    expect(result.kind === 'identity' && result.identity.email).toBe(email)
  })

  it.each([
    ['the domain', { hd: 'example.com' }, 'identity'],
    ['the domain in other case', { hd: 'EXAMPLE.com' }, 'identity'],
    ['absent, with an address of the domain', { hd: undefined }, 'denied'],
    ['another, with an address of the domain', { hd: 'other.test' }, 'denied'],
    ['a subdomain', { hd: 'sub.example.com' }, 'denied'],
    ['a longer name', { hd: 'xexample.com' }, 'denied'],
    ['a list', { hd: ['example.com'] }, 'denied'],
  ])('A53 hostedDomain needs hd: %s', async (_name, change, kind) => {
    provider.claims = { ...GOOGLE_WORKSPACE, ...change }
    const result = await signIn(login({ hostedDomain: 'example.com' }), provider, ISS)

    expect(result.kind).toBe(kind)
  })

  it.each([
    ['hd of the domain', GOOGLE_WORKSPACE, 'admitted'],
    ['hd of another domain', { ...GOOGLE_WORKSPACE, hd: 'other.test' }, 'not_listed'],
    ['no hd', { ...GOOGLE_WORKSPACE, hd: undefined }, 'email_missing'],
    ['hd, but nothing verified', { ...GOOGLE_WORKSPACE, email_verified: false }, 'email_missing'],
    ['a consumer account', GOOGLE_CONSUMER, 'not_listed'],
  ])('A53 a domain rule compares hd, not the address: %s', async (_name, claims, expected) => {
    provider.claims = claims
    const admission = createAdmission({ domains: ['example.com', 'gmail.com'] })

    await expect(admits(await signIn(login(), provider, ISS), admission)).resolves.toBe(expected)
  })

  it('P18 lists every option that is not usable, and no value', () => {
    const options = { clientId: '', clientSecret: 'canary secret', hostedDomain: '@x', extra: 1 }

    expect(() => google(options)).toThrow(
      /clientId: .*\n.*clientSecret: .*\n.*hostedDomain: .*\n.*extra: /,
    )
    expect(() => google(options)).not.toThrow(/canary/)
  })
})
