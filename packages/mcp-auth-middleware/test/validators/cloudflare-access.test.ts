import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import {
  type CloudflareAccessOptions,
  cloudflareAccess,
} from '../../src/validators/cloudflare-access.js'
import { createRs256Issuer, NOW, present, SECONDS } from './rs256-issuer.js'

const ISSUER = 'https://acme.cloudflareaccess.com'
const AUD = 'a'.repeat(64)
const OTHER_AUD = 'b'.repeat(64)
const SERVICE = 'e367826f93b8d71185e03fe518aad3b4.access'

const user = (overrides: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: [AUD],
  type: 'app',
  sub: '7335d417-61da-459d-899c-0a01c76a2f94',
  email: 'Ann@Example.com',
  iat: SECONDS,
  nbf: SECONDS,
  exp: SECONDS + 3600,
  country: 'NL',
  ...overrides,
})

const service = (overrides: Record<string, unknown> = {}): Record<string, unknown> =>
  user({ sub: '', common_name: SERVICE, email: undefined, nbf: undefined, ...overrides })

let issuer: Awaited<ReturnType<typeof createRs256Issuer>>

beforeAll(async () => {
  issuer = await createRs256Issuer(`${ISSUER}/cdn-cgi/access/certs`)
})

function create(options: Partial<CloudflareAccessOptions> = {}) {
  return cloudflareAccess({
    team: 'acme',
    audience: [AUD],
    fetch: issuer.fetch,
    now: () => NOW,
    ...options,
  })
}

describe('cloudflareAccess()', () => {
  it('accepts an assertion of one of its applications, with the address as verified', async () => {
    const verdict = await present(create(), await issuer.token(user()))
    expect(verdict).toMatchObject({
      kind: 'accepted',
      principal: {
        issuer: ISSUER,
        subject: '7335d417-61da-459d-899c-0a01c76a2f94',
        kind: 'user',
        email: 'ann@example.com',
        emailVerified: true,
        scopes: [],
        claims: { country: 'NL' },
      },
    })
    expect(verdict).not.toMatchObject({ principal: { admittedByName: true } })
    expect(new Set(issuer.fetched)).toEqual(new Set([`${ISSUER}/cdn-cgi/access/certs`]))
  })

  it('accepts any of several applications', async () => {
    const validator = create({ audience: [OTHER_AUD, AUD] })
    expect(await present(validator, await issuer.token(user()))).toMatchObject({ kind: 'accepted' })
  })

  // J56: Access has the address from the identity provider; without one there is nothing to verify.
  it('J56 counts no address as verified when the assertion has none', async () => {
    const verdict = await present(create(), await issuer.token(user({ email: undefined })))
    expect(verdict).toMatchObject({ kind: 'accepted', principal: { emailVerified: false } })
  })

  it('T32 takes its credential from the assertion header only', () => {
    expect(create().selects).toEqual({
      header: { name: 'cf-access-jwt-assertion', cookie: undefined, wins: false },
    })
  })

  it('T33 rejects an assertion by another key under the key id of the team', async () => {
    expect(await present(create(), await issuer.forged(user()))).toEqual({
      kind: 'rejected',
      reason: 'bad_signature',
    })
  })

  it.each([
    ['another application', [OTHER_AUD]],
    ['another application as text', OTHER_AUD],
    ['a text that contains the tag', `x${AUD}y`],
    ['a prefix of the tag', [AUD.slice(1)]],
    ['the tag in upper case', [AUD.toUpperCase()]],
    ['nothing', []],
    ['undefined', undefined],
  ])('T34 rejects a good assertion of the same team for %s', async (_name, aud) => {
    const verdict = await present(create(), await issuer.token(user({ aud })))
    expect(verdict).toMatchObject({ kind: 'rejected', reason: expect.stringMatching(/^audience_/) })
  })

  it('T36 reads the cookie only when asked to', () => {
    expect(create({ cookie: true }).selects.header).toEqual({
      name: 'cf-access-jwt-assertion',
      cookie: 'CF_Authorization',
      wins: false,
    })
  })

  it('T37 rejects the service token shape unless service tokens are listed', async () => {
    expect(await present(create(), await issuer.token(service()))).toEqual({
      kind: 'rejected',
      reason: 'service_tokens_off',
    })
  })

  it.each([
    ['an empty subject', service()],
    ['no subject', service({ sub: undefined })],
  ])(
    'T37 takes a listed service token with %s for the service of its client id',
    async (_n, claims) => {
      const validator = create({ serviceTokens: [SERVICE] })
      expect(await present(validator, await issuer.token(claims))).toMatchObject({
        kind: 'accepted',
        principal: { subject: SERVICE, kind: 'service', admittedByName: true },
      })
    },
  )

  it('T37 forbids a service token that is not listed', async () => {
    const validator = create({ serviceTokens: [SERVICE] })
    const token = await issuer.token(service({ common_name: `x${SERVICE}` }))
    expect(await present(validator, token)).toEqual({
      kind: 'forbidden',
      reason: 'service_not_listed',
    })
  })

  it('T37 takes a user who has a common name as well for the user', async () => {
    const validator = create({ serviceTokens: [SERVICE] })
    const verdict = await present(validator, await issuer.token(user({ common_name: SERVICE })))
    expect(verdict).toMatchObject({ principal: { kind: 'user' } })
    expect(verdict).not.toMatchObject({ principal: { admittedByName: true } })
  })

  it.each([
    ['no subject and no name', service({ common_name: undefined })],
    ['an empty name', service({ common_name: '' })],
    ['a name that is no text', service({ common_name: [SERVICE] })],
    ['a numeric subject', user({ sub: 7 })],
    ['the type of the team session', user({ type: 'org' })],
    ['no type', user({ type: undefined })],
    ['no exp', user({ exp: undefined })],
    ['no iat', user({ iat: undefined })],
    ['an expiry 11 s ago', user({ exp: SECONDS - 11, iat: SECONDS - 60 })],
    ['the issuer of another team', user({ iss: 'https://acme2.cloudflareaccess.com' })],
    ['the issuer with a slash', user({ iss: `${ISSUER}/` })],
    ['the issuer of Access for SaaS', user({ iss: `${ISSUER}/cdn-cgi/access/sso/oidc/x` })],
  ])('rejects an assertion with %s', async (_name, claims) => {
    const validator = create({ serviceTokens: [SERVICE] })
    expect(await present(validator, await issuer.token(claims))).toMatchObject({ kind: 'rejected' })
  })

  it('accepts an expiry 9 s ago, within the tolerance', async () => {
    const token = await issuer.token(user({ exp: SECONDS - 9, iat: SECONDS - 60 }))
    expect(await present(create(), token)).toMatchObject({ kind: 'accepted' })
  })

  it('rejects an opaque token, which only Access could read', async () => {
    expect(await present(create(), 'oauth:abc')).toMatchObject({ kind: 'rejected' })
  })

  it('is unavailable, never rejected, while the keys cannot be read', async () => {
    const validator = create({ fetch: async () => new Response(null, { status: 500 }) })
    expect(await present(validator, await issuer.token(user()))).toMatchObject({
      kind: 'unavailable',
    })
  })

  it('grants scopes by the caller, since assertions have none', async () => {
    const validator = create({
      grantScopes: ({ email }) => (email === 'ann@example.com' ? ['coda.read'] : []),
    })
    expect(validator.scopeSource).toBe('granted')
    const claims = user({ scope: 'coda.write' })
    expect(await present(validator, await issuer.token(claims))).toMatchObject({
      principal: { scopes: ['coda.read'] },
    })
    expect(create().scopeSource).toBe('none')
    expect(await present(create(), await issuer.token(claims))).toMatchObject({
      principal: { scopes: [] },
    })
  })

  it('lets the assertion win and leaves challenges to the edge only with edgeOAuth', () => {
    expect(create({ edgeOAuth: true })).toMatchObject({
      challengesAtEdge: true,
      selects: { header: { wins: true } },
    })
    expect(create()).toMatchObject({
      challengesAtEdge: false,
      selects: { header: { wins: false } },
    })
    expect(create({ edgeOAuth: true }).authorizationServers).toEqual([])
  })
})

describe('cloudflareAccess() options', () => {
  it.each([
    ['team', 'acme'],
    ['team', 'acme.cloudflareaccess.com'],
    ['team', 'ACME.cloudflareaccess.com'],
    ['teamDomain', 'acme.cloudflareaccess.com'],
    ['teamDomain', 'https://acme.cloudflareaccess.com'],
    ['teamDomain', 'https://acme.cloudflareaccess.com/'],
  ])('finds the issuer by %s %s', async (name, value) => {
    const validator = create({ team: undefined, [name]: value })
    expect(await present(validator, await issuer.token(user()))).toMatchObject({ kind: 'accepted' })
  })

  it.each<[string, Record<string, unknown>]>([
    ['no team', { team: undefined }],
    ['an empty team', { team: '' }],
    ['a blank team', { team: ' ' }],
    ['another domain', { team: 'acme.example.com' }],
    ['a domain that ends alike', { team: 'acme.evilcloudflareaccess.com' }],
    ['a domain that begins alike', { team: 'acme.cloudflareaccess.com.evil.test' }],
    ['a plain http domain', { team: 'http://acme.cloudflareaccess.com' }],
    ['a path', { team: 'https://acme.cloudflareaccess.com/cdn-cgi' }],
    ['both spellings at once', { teamDomain: 'acme.cloudflareaccess.com' }],
    ['no audience', { audience: undefined }],
    ['an empty list of audiences', { audience: [] }],
    ['an empty audience', { audience: [''] }],
    ['a blank audience', { audience: [' '] }],
    ['an audience that is a text', { audience: AUD }],
    ['an empty service token', { serviceTokens: [''] }],
    ['scopes that are no function', { grantScopes: ['coda.read'] }],
    ['a tolerance of 301 s', { clockTolerance: 301 }],
    ['an unknown option', { aud: AUD }],
  ])('refuses %s', (_name, change) => {
    const options = { team: 'acme', audience: [AUD], ...change } as CloudflareAccessOptions
    expect(() => cloudflareAccess(options)).toThrow(ConfigurationError)
  })
})
