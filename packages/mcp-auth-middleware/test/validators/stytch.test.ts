import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import { type StytchOptions, stytch } from '../../src/validators/stytch.js'
import { attach, createRs256Issuer, NOW, present, RESOURCE, SECONDS } from './rs256-issuer.js'

const PROJECT = 'project-test-11111111-2222-4333-8444-555555555555'
const ISSUER = 'https://login.example.com'
const SHARED_ISSUER = `stytch.com/${PROJECT}`
const SESSION = 'https://stytch.com/session'
const ORGANIZATION = 'https://stytch.com/organization'
const MACHINE = 'm2m-client-test-1'

const access = (overrides: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  sub: 'user-test-1',
  aud: [PROJECT],
  client_id: 'connected-app-test-1',
  scope: 'openid coda.read',
  iat: SECONDS,
  nbf: SECONDS,
  exp: SECONDS + 3600,
  jti: 'j1',
  ...overrides,
})

const member = (overrides: Record<string, unknown> = {}): Record<string, unknown> =>
  access({
    sub: 'member-test-1',
    [ORGANIZATION]: { organization_id: 'organization-test-1', slug: 'acme' },
    ...overrides,
  })

const session = (overrides: Record<string, unknown> = {}): Record<string, unknown> =>
  access({ [SESSION]: { id: 's1' }, scope: undefined, client_id: undefined, ...overrides })

const machine = (overrides: Record<string, unknown> = {}): Record<string, unknown> =>
  access({ sub: MACHINE, client_id: undefined, ...overrides })

let issuer: Awaited<ReturnType<typeof createRs256Issuer>>

beforeAll(async () => {
  issuer = await createRs256Issuer(`${ISSUER}/.well-known/jwks.json`)
})

function create(options: Partial<StytchOptions> = {}) {
  return stytch({
    domain: 'login.example.com',
    projectId: PROJECT,
    fetch: issuer.fetch,
    now: () => NOW,
    ...options,
  })
}

const judge = async (
  claims: Record<string, unknown>,
  options: Partial<StytchOptions> = {},
  header: Record<string, unknown> = {},
) => present(create(options), await issuer.token(claims, header))

describe('stytch()', () => {
  it('accepts an access token of a Connected App', async () => {
    expect(await judge(access())).toMatchObject({
      kind: 'accepted',
      principal: {
        issuer: ISSUER,
        subject: 'user-test-1',
        kind: 'user',
        clientId: 'connected-app-test-1',
        scopes: ['openid', 'coda.read'],
        tokenId: 'j1',
      },
    })
    expect(new Set(issuer.fetched)).toEqual(new Set([`${ISSUER}/.well-known/jwks.json`]))
  })

  it('sends clients to the project domain, byte-equal to its issuer', () => {
    expect(create().authorizationServers).toEqual([ISSUER])
    expect(create({ domain: 'https://Login.example.com' }).authorizationServers).toEqual([ISSUER])
    expect(create().scopeSource).toBe('token')
  })

  it('takes tokens by both issuers of the project', () => {
    expect(create().selects.issuers).toEqual([ISSUER, SHARED_ISSUER])
  })

  // The rows of the table of what Stytch's own local check accepts.
  it('accepts a token whose issuer is the shared host with the project id', async () => {
    // The same person under both, so that a stored credential is found whichever way the token came.
    expect(await judge(access({ iss: SHARED_ISSUER }))).toMatchObject({
      kind: 'accepted',
      principal: { issuer: ISSUER, subject: 'user-test-1' },
    })
  })

  it.each([
    ['another project of the shared host', 'stytch.com/project-test-other'],
    ['the shared host alone', 'stytch.com'],
    ['the shared host with a scheme', `https://stytch.com/${PROJECT}`],
    ['a slash more', `${ISSUER}/`],
    ['another domain', 'https://login.example.org'],
  ])('rejects a token whose issuer is %s', async (_name, iss) => {
    expect(await judge(access({ iss }))).toEqual({ kind: 'rejected', reason: 'issuer_mismatch' })
  })

  it.each<[string, Record<string, unknown>, Partial<StytchOptions>]>([
    ['consumer', session(), {}],
    ['consumer, with what an access token has', access({ [SESSION]: { id: 's1' } }), {}],
    ['consumer, with an empty session', access({ [SESSION]: null }), {}],
    ['B2B', session({ ...member(), [SESSION]: {}, scope: undefined }), { kind: 'b2b' }],
    ['with machine tokens on', session(), { allowMachineTokens: true }],
  ])('rejects a session token (%s)', async (_name, claims, options) => {
    expect(await judge(claims, options)).toEqual({ kind: 'rejected', reason: 'session_token' })
  })

  it.each([
    ['as issued', machine()],
    ['with a client id', machine({ client_id: MACHINE })],
  ])('rejects an M2M token %s', async (_name, claims) => {
    expect(await judge(claims)).toEqual({ kind: 'rejected', reason: 'machine_token' })
  })

  it.each([
    ['no scope', access({ scope: undefined })],
    ['a list of scopes', access({ scope: ['coda.read'] })],
    ['no client id', access({ client_id: undefined })],
    ['an empty client id', access({ client_id: '' })],
  ])('rejects a token with %s', async (_name, claims) => {
    expect(await judge(claims)).toMatchObject({ kind: 'rejected' })
  })

  it('accepts an empty scope text, which grants nothing', async () => {
    expect(await judge(access({ scope: '' }))).toMatchObject({
      kind: 'accepted',
      principal: { scopes: [] },
    })
  })

  it.each([
    ['at+jwt', { typ: 'at+jwt' }],
    ['no type', { typ: undefined }],
  ])('rejects a token with header type %s', async (_name, header) => {
    expect(await judge(access(), {}, header)).toEqual({
      kind: 'rejected',
      reason: 'typ_not_allowed',
    })
  })

  it('rejects a token for the MCP resource only, unless that is the custom audience', async () => {
    const claims = access({ aud: [RESOURCE] })
    expect(await judge(claims)).toEqual({ kind: 'rejected', reason: 'audience_mismatch' })
    expect(await judge(claims, { audience: RESOURCE })).toMatchObject({ kind: 'accepted' })
  })

  it('rejects a token for the project only when a custom audience is set', async () => {
    expect(await judge(access(), { audience: 'api://coda' })).toEqual({
      kind: 'rejected',
      reason: 'audience_mismatch',
    })
    expect(
      await judge(access({ aud: [PROJECT, 'api://coda'] }), { audience: 'api://coda' }),
    ).toMatchObject({ kind: 'accepted' })
  })

  it('rejects a token without exp, which the SDK accepts', async () => {
    expect(await judge(access({ exp: undefined }))).toEqual({
      kind: 'rejected',
      reason: 'exp_missing',
    })
  })

  it('rejects a token by another key under the key id of the project', async () => {
    expect(await present(create(), await issuer.forged(access()))).toEqual({
      kind: 'rejected',
      reason: 'bad_signature',
    })
  })

  it('is unavailable, never rejected, while the keys cannot be read', async () => {
    const options = { fetch: async () => new Response('<html>', { status: 200 }) }
    expect(await judge(access(), options)).toMatchObject({ kind: 'unavailable' })
  })

  it('replaces scopes by granted ones', async () => {
    const options = { grantScopes: () => ['coda.write'] }
    expect(await judge(access(), options)).toMatchObject({ principal: { scopes: ['coda.write'] } })
    expect(create(options).scopeSource).toBe('granted')
  })
})

describe('stytch() resource binding', () => {
  it('reports once that the project id binds no token to this server', () => {
    const validator = create()
    expect(validator.resourceBinding).toBe('none')
    expect(attach(validator)).toEqual([
      expect.objectContaining({
        kind: 'warning',
        validator: 'stytch',
        reason: 'no_resource_binding',
      }),
    ])
    expect(create({ audience: PROJECT }).resourceBinding).toBe('none')
  })

  it('is the audience, and reports nothing, with a custom one', () => {
    const validator = create({ audience: 'api://coda' })
    expect(validator.resourceBinding).toBe('audience')
    expect(attach(validator)).toEqual([])
  })
})

describe('stytch() machine tokens', () => {
  it('accepts them when all are allowed, as services that are not named', async () => {
    const verdict = await judge(machine(), { allowMachineTokens: true })
    expect(verdict).toMatchObject({
      kind: 'accepted',
      principal: { kind: 'service', subject: MACHINE, clientId: MACHINE },
    })
    expect(verdict).not.toMatchObject({ principal: { admittedByName: true } })
  })

  it('accepts listed ones by name and forbids others', async () => {
    const options = { allowMachineTokens: [MACHINE] }
    expect(await judge(machine(), options)).toMatchObject({
      principal: { kind: 'service', admittedByName: true },
    })
    expect(await judge(machine({ sub: `${MACHINE}2` }), options)).toEqual({
      kind: 'forbidden',
      reason: 'client_not_listed',
    })
  })

  it('still needs a scope in them, and a client id in all others', async () => {
    const options = { allowMachineTokens: true }
    expect(await judge(machine({ scope: undefined }), options)).toMatchObject({ kind: 'rejected' })
    expect(await judge(access({ client_id: undefined }), options)).toMatchObject({
      kind: 'rejected',
    })
    expect(await judge(access(), options)).toMatchObject({
      principal: { kind: 'user', clientId: 'connected-app-test-1' },
    })
  })
})

describe('stytch() B2B', () => {
  it('reports the organisation as tenant', async () => {
    expect(await judge(member(), { kind: 'b2b' })).toMatchObject({
      kind: 'accepted',
      principal: { tenant: 'organization-test-1' },
    })
  })

  it.each([
    ['missing', undefined],
    ['null', null],
    ['a text', 'organization-test-1'],
    ['an empty object', {}],
    ['an empty id', { organization_id: '' }],
    ['a numeric id', { organization_id: 1 }],
    ['a list', ['organization-test-1']],
  ])('rejects, without throwing, a token whose organisation is %s', async (_name, value) => {
    expect(await judge(member({ [ORGANIZATION]: value }), { kind: 'b2b' })).toEqual({
      kind: 'rejected',
      reason: 'no_organization',
    })
  })

  it('forbids organisations that are not listed', async () => {
    const options: Partial<StytchOptions> = { kind: 'b2b', organizations: ['organization-test-1'] }
    expect(await judge(member(), options)).toMatchObject({ kind: 'accepted' })
    const other = { organization_id: 'organization-test-12', slug: 'acme' }
    expect(await judge(member({ [ORGANIZATION]: other }), options)).toEqual({
      kind: 'forbidden',
      reason: 'organization_not_listed',
    })
  })
})

describe('stytch() options', () => {
  it.each(['api.stytch.com', 'test.stytch.com', 'stytch.com', 'https://API.stytch.com'])(
    'refuses the shared host %s and explains why',
    (domain) => {
      expect(() => create({ domain })).toThrow(/API host that all Stytch projects share/)
    },
  )

  it('accepts the default domain of a project', () => {
    expect(create({ domain: 'acme.customers.stytch.dev' }).authorizationServers).toEqual([
      'https://acme.customers.stytch.dev',
    ])
  })

  it.each<[string, Record<string, unknown>]>([
    ['no domain', { domain: undefined }],
    ['an empty domain', { domain: '' }],
    ['a plain http domain', { domain: 'http://login.example.com' }],
    ['a domain with a path', { domain: 'login.example.com/v1' }],
    ['a domain with a slash', { domain: 'login.example.com/' }],
    ['a domain with a port', { domain: 'login.example.com:8443' }],
    ['a domain with user name', { domain: 'a@login.example.com' }],
    ['a bare name', { domain: 'localhost' }],
    ['no project', { projectId: undefined }],
    ['an empty project', { projectId: '' }],
    ['a secret as project', { projectId: 'secret-live-canary' }],
    ['a secret', { secret: 'secret-live-canary' }],
    ['an empty audience', { audience: '' }],
    ['an unset audience', { audience: undefined }],
    ['unset organisations', { kind: 'b2b', organizations: undefined }],
    ['a blank audience', { audience: ' ' }],
    ['an unknown kind', { kind: 'b2c' }],
    ['no organisations', { kind: 'b2b', organizations: [] }],
    ['organisations of consumers', { organizations: ['organization-test-1'] }],
    [
      'every machine beside listed organisations',
      { kind: 'b2b', organizations: ['o'], allowMachineTokens: true },
    ],
    ['no machine', { allowMachineTokens: [] }],
    ['a machine by another id', { allowMachineTokens: ['connected-app-test-1'] }],
  ])('refuses %s without repeating secrets', (_name, change) => {
    let caught: unknown
    try {
      create(change as Partial<StytchOptions>)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(ConfigurationError)
    expect(String(caught)).not.toContain('canary')
  })
})
