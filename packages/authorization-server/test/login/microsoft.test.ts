import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAdmission } from '../../src/login/admission.js'
import { google } from '../../src/login/google.js'
import { type MicrosoftOptions, microsoft } from '../../src/login/microsoft.js'
import {
  entraClaims,
  GOOGLE_WORKSPACE,
  PERSONAL,
  TENANT_A,
  TENANT_B,
  TENANT_EVIL,
} from './support/claims.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  type ProviderOptions,
  startOpenidProvider,
} from './support/openid-provider.js'
import { CALLBACK, signIn } from './support/sign-in.js'

const ORIGIN = 'https://login.microsoftonline.com'
const TEMPLATE = `${ORIGIN}/{tenantid}/v2.0`
const SHARED: ProviderOptions = { issuer: TEMPLATE, base: `${ORIGIN}/organizations/v2.0` }

let provider: OpenidProvider | undefined

beforeEach(() => {
  provider = undefined
})

afterEach(() => provider?.close())

const client = { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }

async function start(options: ProviderOptions, claims: Record<string, unknown>) {
  provider = await startOpenidProvider(options)
  provider.claims = claims
  return provider
}

async function signInMany(claims: Record<string, unknown>, options: ProviderOptions = SHARED) {
  const upstream = await start(options, claims)
  const login = microsoft({ ...client, tenants: [TENANT_A, TENANT_B], fetch: upstream.fetch })
  return signIn(login, upstream)
}

async function signInOne(claims: Record<string, unknown>) {
  const upstream = await start({ issuer: `${ORIGIN}/${TENANT_A}/v2.0` }, claims)
  return signIn(microsoft({ ...client, tenant: TENANT_A, fetch: upstream.fetch }), upstream)
}

describe('microsoft() with one tenant', () => {
  it('names the person by tenant and object id, and takes the address of its own directory', async () => {
    await expect(signInOne(entraClaims(TENANT_A))).resolves.toEqual({
      kind: 'identity',
      identity: {
        provider: 'microsoft',
        issuer: `${ORIGIN}/${TENANT_A}/v2.0`,
        subject: `${TENANT_A}:690222be-ff1a-4d56-abd1-7e4f7d38e474`,
        tenant: TENANT_A,
        email: 'ann@example.com',
        name: 'Ann Example',
        picture: undefined,
      },
    })
  })

  it('A51 has no address without the email claim, whatever the user name looks like', async () => {
    const result = await signInOne({ ...entraClaims(TENANT_A), email: undefined })

    expect(result).toMatchObject({ kind: 'identity', identity: { email: undefined } })
  })

  it.each([
    ['of another directory', entraClaims(TENANT_B), 'id_token_iss'],
    ['with tid of another directory', { ...entraClaims(TENANT_A), tid: TENANT_B }, 'id_token_iss'],
    ['without tid', { ...entraClaims(TENANT_A), tid: undefined }, 'id_token_tid'],
    ['without oid', { ...entraClaims(TENANT_A), oid: undefined }, 'id_token_oid'],
    ['with oid that is no GUID', { ...entraClaims(TENANT_A), oid: 'x' }, 'id_token_oid'],
  ])('A51 refuses a token %s', async (_name, claims, reason) => {
    await expect(signInOne(claims)).resolves.toEqual({ kind: 'invalid', reason })
  })

  it('A51 treats a list of one tenant like one tenant', async () => {
    const issuer = `${ORIGIN}/${TENANT_A}/v2.0`
    const upstream = await start({ issuer }, entraClaims(TENANT_A))
    const tenants = [TENANT_A.toUpperCase()]
    const login = microsoft({ ...client, tenants, fetch: upstream.fetch })

    await expect(signIn(login, upstream)).resolves.toMatchObject({
      identity: { email: 'ann@example.com', tenant: TENANT_A },
    })
  })
})

describe('microsoft() with several tenants', () => {
  it.each([TENANT_A, TENANT_B])('signs in a person of the listed tenant %s', async (tenant) => {
    await expect(signInMany(entraClaims(tenant))).resolves.toMatchObject({
      kind: 'identity',
      identity: { issuer: `${ORIGIN}/${tenant}/v2.0`, tenant },
    })
  })

  it('sends people to the endpoint that all directories share', async () => {
    const upstream = await start(SHARED, {})
    const login = microsoft({ ...client, tenants: [TENANT_A, TENANT_B], fetch: upstream.fetch })

    expect((await login.start(CALLBACK)).url.origin).toBe(ORIGIN)
    expect(upstream.requests).toEqual(['metadata'])
  })

  it('A51 refuses another tenant, with a listed address', async () => {
    const claims = { ...entraClaims(TENANT_EVIL), email: 'ann@example.com', xms_edov: true }

    await expect(signInMany(claims)).resolves.toEqual({ kind: 'denied', reason: 'tenant' })
  })

  it('A51 refuses the tenant of personal accounts unless it is listed', async () => {
    await expect(signInMany(entraClaims(PERSONAL))).resolves.toEqual({
      kind: 'denied',
      reason: 'tenant',
    })
  })

  it.each([
    ['another tid than the issuer', { tid: TENANT_B }],
    ['a tid that is a path', { tid: `x/../${TENANT_A}` }],
    ['a tid with a pattern of replacements', { tid: '$&' }],
    ['the template as issuer', { tid: '{tenantid}', iss: TEMPLATE }],
    ['a list as tid', { tid: [TENANT_A] }],
    ['the issuer of version 1', { iss: `https://sts.windows.net/${TENANT_A}/` }],
  ])('A51 refuses %s', async (_name, change) => {
    const result = await signInMany({ ...entraClaims(TENANT_A), ...change })

    expect(result.kind).toBe('invalid')
  })

  it.each([
    ['absent', undefined, undefined],
    ['false', false, undefined],
    ['0', 0, undefined],
    ['the text "false"', 'false', undefined],
    ['true', true, 'ann@example.com'],
    ['1', 1, 'ann@example.com'],
    ['the text "1"', '1', 'ann@example.com'],
  ])('A51 takes an address only with xms_edov: %s', async (_name, xms_edov, email) => {
    const result = await signInMany({ ...entraClaims(TENANT_A), xms_edov })

    expect(result.kind === 'identity' && result.identity.email).toBe(email)
  })

  it('A51 admits nobody by an address that the directory does not own', async () => {
    const admission = createAdmission({ emails: ['ann@example.com'], domains: ['example.com'] })
    const plain = await signInMany(entraClaims(TENANT_A))
    await provider?.close()
    const owned = await signInMany({ ...entraClaims(TENANT_A), xms_edov: true })
    const decide = (result: typeof plain) =>
      result.kind === 'identity' && admission(result.identity, { invited: true })

    expect(decide(plain)).toEqual({ admitted: false, reason: 'email_missing' })
    expect(decide(owned)).toEqual({ admitted: true })
  })

  it.each([
    ['of every directory', TEMPLATE, 'identity'],
    ['of this directory', `${ORIGIN}/${TENANT_A}/v2.0`, 'identity'],
    ['without an issuer', undefined, 'identity'],
    ['of personal accounts', `${ORIGIN}/${PERSONAL}/v2.0`, 'invalid'],
    ['of another directory', `${ORIGIN}/${TENANT_B}/v2.0`, 'invalid'],
    ['with a number as issuer', 7, 'invalid'],
  ])('A51 accepts a signing key only for its own issuer: a key %s', async (_name, issuer, kind) => {
    const options = { ...SHARED, publishedKey: { issuer } }

    expect((await signInMany(entraClaims(TENANT_A), options)).kind).toBe(kind)
  })

  it.each([
    ['organizations', [TENANT_A, TENANT_B]],
    ['common', [TENANT_A, PERSONAL]],
  ])(
    'asks the shared endpoint /%s, by whether personal accounts are listed',
    async (path, tenants) => {
      const upstream = await start(SHARED, {})
      const asked: string[] = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        asked.push(String(input))
        return upstream.fetch(input, init)
      }
      await microsoft({ ...client, tenants, fetch }).start(CALLBACK)

      expect(asked).toEqual([`${ORIGIN}/${path}/v2.0/.well-known/openid-configuration`])
    },
  )

  it('refuses metadata that name one directory instead of the template', async () => {
    const upstream = await start(
      { ...SHARED, issuer: `${ORIGIN}/${TENANT_A}/v2.0` },
      entraClaims(TENANT_A),
    )
    const login = microsoft({ ...client, tenants: [TENANT_A, TENANT_B], fetch: upstream.fetch })

    await expect(login.start(CALLBACK)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
  })
})

describe('microsoft()', () => {
  it('A52 keeps one address at Google and at Microsoft two people', async () => {
    const entra = await signInOne(entraClaims(TENANT_A))
    await provider?.close()
    const upstream = await start({ issuer: 'https://accounts.google.com' }, GOOGLE_WORKSPACE)
    const other = await signIn(google({ ...client, fetch: upstream.fetch }), upstream)
    if (entra.kind !== 'identity' || other.kind !== 'identity') throw new Error('no identity')

    expect(entra.identity.email).toBe(other.identity.email)
    expect(entra.identity.issuer).not.toBe(other.identity.issuer)
    expect(entra.identity.subject).not.toBe(other.identity.subject)
  })

  it.each([
    ['no tenant at all', {}],
    ['an empty list', { tenants: [] }],
    ['both', { tenant: TENANT_A, tenants: [TENANT_B] }],
    ['common', { tenant: 'common' }],
    ['organizations in the list', { tenants: [TENANT_A, 'organizations'] }],
    ['a domain', { tenant: 'example.onmicrosoft.com' }],
    ['an empty text', { tenant: '' }],
    ['a text for the list', { tenants: TENANT_A }],
  ])('A54 refuses to be made with %s', (_name, tenants) => {
    const options = { ...client, ...tenants } as MicrosoftOptions

    expect(() => microsoft(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION' }))
  })
})
