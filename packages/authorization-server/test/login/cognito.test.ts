import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cognito } from '../../src/login/cognito.js'
import { COGNITO } from './support/claims.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  type ProviderOptions,
  startOpenidProvider,
} from './support/openid-provider.js'
import { CALLBACK, signIn } from './support/sign-in.js'

const POOL = 'eu-central-1_AbCdEf123'
const ISSUER = `https://cognito-idp.eu-central-1.amazonaws.com/${POOL}`
const NEW_ISSUER = `https://issuer-cognito-idp.eu-central-1.amazonaws.com/${POOL}`
/** The endpoints are on a domain of the pool, not at the issuer. */
const DOMAIN = 'https://acme.auth.eu-central-1.amazoncognito.com/oauth2'

let provider: OpenidProvider

beforeEach(async () => {
  provider = await start({})
})

afterEach(() => provider.close())

function start(options: ProviderOptions) {
  return startOpenidProvider({
    issuer: ISSUER,
    ...options,
    metadata: { authorization_endpoint: `${DOMAIN}/authorize`, token_endpoint: `${DOMAIN}/token` },
  })
}

const login = (options: Partial<Parameters<typeof cognito>[0]> = {}) =>
  cognito({
    region: 'eu-central-1',
    userPoolId: POOL,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    fetch: provider.fetch,
    ...options,
  })

async function emailOf(change: Record<string, unknown>, options = {}) {
  provider.claims = { ...COGNITO, ...change }
  const result = await signIn(login(options), provider)
  if (result.kind !== 'identity') throw new Error(result.reason)
  return result.identity.email
}

const FEDERATED = { identities: [{ providerName: 'Corp', userId: 'ann' }] }

describe('cognito()', () => {
  it('names the person by the pool and sub, at the endpoints of the pool domain', async () => {
    provider.claims = COGNITO
    const { url } = await login().start(CALLBACK)

    expect(url.origin + url.pathname).toBe(`${DOMAIN}/authorize`)
    await expect(signIn(login(), provider)).resolves.toMatchObject({
      kind: 'identity',
      identity: {
        provider: 'cognito',
        issuer: ISSUER,
        subject: COGNITO.sub,
        email: 'ann@example.com',
      },
    })
  })

  it('names the same person when the pool changes to its other issuer', async () => {
    await provider.close()
    provider = await start({ issuer: NEW_ISSUER, base: ISSUER })
    provider.claims = COGNITO

    await expect(signIn(login(), provider)).resolves.toMatchObject({
      kind: 'identity',
      identity: { issuer: ISSUER, subject: COGNITO.sub },
    })
  })

  it('refuses a token of the one issuer while the pool announces the other', async () => {
    provider.claims = { ...COGNITO, iss: NEW_ISSUER }

    await expect(signIn(login(), provider)).resolves.toEqual({
      kind: 'invalid',
      reason: 'id_token_iss',
    })
  })

  it('does not use metadata of another pool', async () => {
    await provider.close()
    provider = await start({ issuer: `${ISSUER}4`, base: ISSUER })

    await expect(login().start(CALLBACK)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
  })

  it.each([['access'], [undefined]])('refuses a token whose token_use is %s', async (token_use) => {
    provider.claims = { ...COGNITO, token_use }

    await expect(signIn(login(), provider)).resolves.toEqual({
      kind: 'invalid',
      reason: 'id_token_kind',
    })
  })

  it.each([
    [true, {}, 'ann@example.com'],
    ['true', {}, undefined],
    ['true', { trustEmailVerifiedString: true }, 'ann@example.com'],
    [true, { trustEmailVerifiedString: true }, 'ann@example.com'],
    ['TRUE', { trustEmailVerifiedString: true }, undefined],
    ['1', { trustEmailVerifiedString: true }, undefined],
    [1, { trustEmailVerifiedString: true }, undefined],
    ['false', { trustEmailVerifiedString: true }, undefined],
    [['true'], { trustEmailVerifiedString: true }, undefined],
    [false, { trustEmailVerifiedString: true }, undefined],
    [undefined, { trustEmailVerifiedString: true }, undefined],
  ])(
    'A53 takes the address when email_verified is %j with %j: %s',
    async (verified, options, email) => {
      await expect(emailOf({ email_verified: verified }, options)).resolves.toBe(email)
    },
  )

  it('takes no address that another identity provider brought into the pool, unless told to', async () => {
    await expect(emailOf(FEDERATED)).resolves.toBeUndefined()
    await expect(emailOf(FEDERATED, { trustFederatedEmails: true })).resolves.toBe(
      'ann@example.com',
    )
    await expect(
      emailOf({ ...FEDERATED, email_verified: false }, { trustFederatedEmails: true }),
    ).resolves.toBeUndefined()
  })

  it.each([
    ['a pool of another region', { region: 'us-east-1' }],
    ['a region that is a host', { region: 'evil.test/', userPoolId: 'evil.test/_x' }],
    ['a pool with a path', { userPoolId: 'eu-central-1_a/../b' }],
    ['an empty client id', { clientId: '' }],
    ['a time-out that never ends', { timeoutMilliseconds: Number.POSITIVE_INFINITY }],
  ])('P18 refuses to be made with %s', (_name, options) => {
    expect(() => login(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION' }))
  })
})
