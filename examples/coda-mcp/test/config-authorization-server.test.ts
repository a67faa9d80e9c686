import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../src/config.js'

const keys = generateEncryptionKey()
const coda = { CODA_API_TOKEN: 'canary-coda-token' }
const client = { OAUTH_CLIENT_ID: 'client-1', OAUTH_CLIENT_SECRET: 'canary-client-secret' }
const google = { OAUTH_PROVIDER: 'google', ...client }
const lists = { ALLOWED_EMAILS: 'ann@example.com', ALLOWED_DOMAINS: 'example.com' }
const database = {
  DATABASE_URL: 'postgres://coda@127.0.0.1/coda',
  MCP_AUTH_ENCRYPTION_KEYS: keys,
}
const exposed = { HOST: '0.0.0.0', PUBLIC_URL: 'https://coda.example.com' }
const deployed = { ...exposed, ...coda, ...google, ...lists, ...database }
const bearer = { MCP_BEARER_TOKENS: `ci:sha256:${'0f'.repeat(32)}` }
const directory = '11111111-2222-4333-8444-555555555555'
const other = '99999999-2222-4333-8444-555555555555'

function problemsOf(env: Record<string, string>): Record<string, string> {
  try {
    readConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    expect(error.message).not.toContain('canary')
    return Object.fromEntries(error.problems.map(({ variable, message }) => [variable, message]))
  }
  return {}
}

const loginOf = (env: Record<string, string>) =>
  readConfig({ ...coda, ...lists, ...env }).authorizationServer?.login

describe('OAUTH_PROVIDER', () => {
  it('turns on the embedded authorization server, with the lists as its own', () => {
    const config = readConfig(deployed)
    expect(config).toMatchObject({ firstRun: false, waysIn: {} })
    expect(config.authorizationServer).toEqual({
      login: { kind: 'google', clientId: 'client-1', clientSecret: 'canary-client-secret' },
      allow: { emails: ['ann@example.com'], domains: ['example.com'], tenants: [] },
      collectsCodaTokens: false,
      firstAdmin: undefined,
      lifetimes: { accessToken: 3600, refreshToken: 2_592_000 },
    })
    expect(config.database).toEqual({
      connectionString: database.DATABASE_URL,
      encryptionKeys: keys,
      schema: 'mcp_auth',
    })
  })

  it('stands beside every other way in', () => {
    const { waysIn, authorizationServer } = readConfig({
      ...deployed,
      ...bearer,
      STYTCH_PROJECT_ID: 'project-live-1',
      STYTCH_DOMAIN: 'login.example.com',
    })
    expect(Object.keys(waysIn)).toEqual(['stytch', 'bearer'])
    expect(authorizationServer?.login.kind).toBe('google')
  })

  it.each(['microsoft', 'cognito', 'oidc'])(
    'names everything that is missing at once, also where the issuer of %s is',
    (provider) => {
      const env = { ...exposed, ...coda, ...client, OAUTH_PROVIDER: provider }
      expect(Object.keys(problemsOf(env)).sort()).toEqual([
        'ALLOWED_EMAILS',
        'DATABASE_URL',
        'MCP_AUTH_ENCRYPTION_KEYS',
        'OAUTH_ISSUER',
      ])
    },
  )

  it.each([
    [['OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET'], { OAUTH_PROVIDER: 'google' }],
    [['OAUTH_PROVIDER', 'OAUTH_CLIENT_SECRET'], { OAUTH_CLIENT_ID: 'id' }],
    [['OAUTH_PROVIDER'], client],
  ])('names %s when the others are set', (missing, env: Record<string, string>) => {
    const problems = problemsOf({ ...coda, ...lists, ...env })
    expect(Object.keys(problems).sort()).toEqual(missing.sort())
    expect(Object.values(problems).join()).toMatch(/is missing: .* works only with it/)
  })

  it.each([
    ['OAUTH_ISSUER', 'https://id.example.com'],
    ['OAUTH_SCOPES', 'openid'],
    ['OAUTH_AUTH_URL', 'https://id.example.com/a'],
    ['OAUTH_TOKEN_URL', 'https://id.example.com/t'],
    ['OAUTH_USERINFO_URL', 'https://id.example.com/u'],
  ])('refuses %s without it', (name, value) => {
    expect(problemsOf({ ...coda, ...bearer, [name]: value })).toEqual({
      [name]: expect.stringMatching(/^works only with OAUTH_PROVIDER/),
    })
  })

  it('takes its secret from a file', () => {
    const { OAUTH_CLIENT_SECRET: _, ...rest } = deployed
    const env = { ...rest, OAUTH_CLIENT_SECRET_FILE: '/run/secrets/oauth' }
    const { authorizationServer } = readConfig(env, () => 'canary-of-file\n')
    expect(authorizationServer?.login).toMatchObject({ clientSecret: 'canary-of-file' })
  })

  it('names everything that a server off loopback lacks', () => {
    const problems = problemsOf({ HOST: '0.0.0.0', ...google })
    expect(Object.keys(problems).sort()).toEqual([
      'ALLOWED_EMAILS',
      'CODA_API_TOKEN',
      'DATABASE_URL',
      'MCP_AUTH_ENCRYPTION_KEYS',
      'PUBLIC_URL',
    ])
    expect(problems.DATABASE_URL).toContain('the embedded authorization server')
  })

  it('embeds its database on loopback, but not behind a public URL', () => {
    const local = { ...coda, ...google, ...lists }
    expect(readConfig(local).database).toMatchObject({ connectionString: undefined })
    expect(problemsOf({ ...local, PUBLIC_URL: 'https://coda.example.com' })).toHaveProperty(
      'DATABASE_URL',
    )
  })

  it.each(['https://example.com/coda', 'https://Coda.example.com'])(
    'refuses the public URL %s, which cannot be an issuer',
    (PUBLIC_URL) => {
      expect(problemsOf({ ...deployed, PUBLIC_URL })).toEqual({
        PUBLIC_URL: expect.stringContaining('origin'),
      })
      const { OAUTH_PROVIDER: _, OAUTH_CLIENT_ID: __, OAUTH_CLIENT_SECRET: ___, ...rest } = deployed
      expect(problemsOf({ ...rest, ...bearer, PUBLIC_URL })).toEqual({})
    },
  )

  it('needs nothing of a database without it', () => {
    const config = readConfig({ ...exposed, ...coda, ...bearer })
    expect(config).toMatchObject({ database: undefined, authorizationServer: undefined })
    expect(readConfig({ ...exposed, ...coda, ...bearer, ...database }).warnings).toEqual([
      expect.stringContaining('DATABASE_URL is set and not used'),
    ])
  })
})

describe('providers', () => {
  it('google: takes its own issuer and usual scopes, and no other', () => {
    expect(loginOf({ ...google, OAUTH_ISSUER: 'https://accounts.google.com' })).toMatchObject({
      kind: 'google',
    })
    expect(loginOf({ ...google, OAUTH_SCOPES: 'openid,email profile' })).toBeDefined()
    const env = { ...deployed, OAUTH_ISSUER: 'https://accounts.google.com/' }
    expect(problemsOf(env)).toHaveProperty('OAUTH_ISSUER')
    expect(problemsOf({ ...deployed, OAUTH_SCOPES: 'openid calendar' })).toHaveProperty(
      'OAUTH_SCOPES',
    )
  })

  it.each(['OAUTH_AUTH_URL', 'OAUTH_TOKEN_URL', 'OAUTH_USERINFO_URL'])(
    'google: refuses %s, which only a general provider needs',
    (name) => {
      expect(problemsOf({ ...deployed, [name]: 'https://id.example.com/x' })).toEqual({
        [name]: expect.stringContaining('OAUTH_PROVIDER=oidc'),
      })
    },
  )

  it('microsoft: takes one directory by its issuer, or the listed ones', () => {
    const microsoft = { ...google, OAUTH_PROVIDER: 'microsoft' }
    const issuer = `https://login.microsoftonline.com/${directory}/v2.0`
    expect(loginOf({ ...microsoft, OAUTH_ISSUER: issuer })).toMatchObject({
      tenants: [directory],
      listedTenants: [],
    })
    const two = { ...microsoft, ALLOWED_TENANTS: `${directory}, ${other}, organization-live-1` }
    expect(loginOf(two)).toMatchObject({ tenants: [directory, other] })
    expect(loginOf({ ...two, OAUTH_ISSUER: issuer })).toMatchObject({
      tenants: [directory],
      listedTenants: [directory, other],
    })
  })

  it.each([
    undefined,
    'https://login.microsoftonline.com/common/v2.0',
    'https://login.microsoftonline.com/organizations/v2.0',
    `https://sts.windows.net/${directory}/`,
  ])('microsoft: never accepts every directory: %s', (issuer) => {
    const env = { ...deployed, OAUTH_PROVIDER: 'microsoft' }
    const problems = problemsOf(issuer === undefined ? env : { ...env, OAUTH_ISSUER: issuer })
    expect(Object.keys(problems)).toEqual(['OAUTH_ISSUER'])
  })

  it('cognito: reads region and pool from the issuer', () => {
    const env = { ...google, OAUTH_PROVIDER: 'cognito' }
    const issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123'
    expect(loginOf({ ...env, OAUTH_ISSUER: issuer })).toMatchObject({
      region: 'eu-central-1',
      userPoolId: 'eu-central-1_AbC123',
    })
    const wrong = issuer.replace('/eu-central-1_', '/eu-west-1_')
    for (const OAUTH_ISSUER of [wrong, `${issuer}/`, 'https://pool.auth.amazoncognito.com']) {
      expect(problemsOf({ ...deployed, ...env, OAUTH_ISSUER })).toHaveProperty('OAUTH_ISSUER')
    }
    expect(problemsOf({ ...deployed, ...env })).toEqual({
      OAUTH_ISSUER: expect.stringMatching(/^is missing/),
    })
  })

  it('oidc: takes everything there is', () => {
    const env = {
      ...google,
      OAUTH_PROVIDER: 'oidc',
      OAUTH_ISSUER: 'https://id.example.com/realms/a/',
      OAUTH_SCOPES: 'openid, email groups',
      OAUTH_AUTH_URL: 'https://id.example.com/authorize?p=policy',
      OAUTH_TOKEN_URL: 'http://127.0.0.1:9/token',
      OAUTH_USERINFO_URL: 'https://id.example.com/userinfo',
    }
    expect(loginOf(env)).toEqual({
      kind: 'oidc',
      clientId: 'client-1',
      clientSecret: 'canary-client-secret',
      issuer: 'https://id.example.com/realms/a/',
      scopes: ['openid', 'email', 'groups'],
      authorizationEndpoint: 'https://id.example.com/authorize?p=policy',
      tokenEndpoint: 'http://127.0.0.1:9/token',
      userinfoEndpoint: 'https://id.example.com/userinfo',
    })
    const { OAUTH_ISSUER: _, ...rest } = env
    expect(problemsOf({ ...deployed, ...rest })).toEqual({
      OAUTH_ISSUER: expect.stringMatching(/^is missing/),
    })
  })
})

describe('who is let in', () => {
  it('has to be said', () => {
    const { ALLOWED_EMAILS: _, ALLOWED_DOMAINS: __, ...rest } = deployed
    expect(problemsOf(rest)).toEqual({ ALLOWED_EMAILS: expect.stringMatching(/^is missing/) })
    // Google names no directories, so these let nobody in.
    expect(problemsOf({ ...rest, ALLOWED_TENANTS: directory })).toHaveProperty('ALLOWED_EMAILS')
    expect(problemsOf({ ...rest, DEFAULT_ADMIN_EMAIL: 'ann@example.com' })).toEqual({})
  })

  it('includes the administrator', () => {
    const admin = { DEFAULT_ADMIN_EMAIL: 'Root@Example.com', DEFAULT_ADMIN_NAME: 'Root' }
    expect(readConfig({ ...deployed, ...admin }).authorizationServer?.firstAdmin).toEqual({
      email: 'root@example.com',
      name: 'Root',
    })
    expect(problemsOf({ ...deployed, DEFAULT_ADMIN_NAME: 'Root' })).toEqual({
      DEFAULT_ADMIN_EMAIL: 'is missing: DEFAULT_ADMIN_NAME works only with it',
    })
    expect(readConfig({ ...bearer, ...coda, ...admin }).warnings).toEqual([
      expect.stringMatching(/^DEFAULT_ADMIN_EMAIL is set and not used/),
    ])
  })

  it('is the developer on a first run, who is its administrator, whatever the lists say', () => {
    const config = readConfig({ ...lists, DEFAULT_ADMIN_EMAIL: 'ann@example.com' })
    expect(config.firstRun).toBe(true)
    expect(config.authorizationServer).toMatchObject({
      login: { kind: 'dev', email: 'ann@example.com', name: 'Developer' },
      allow: undefined,
      firstAdmin: { email: 'ann@example.com' },
    })
    expect(config.warnings).toEqual([expect.stringContaining('lets everybody on this machine in')])
  })

  it('keeps lifetimes as they are written', () => {
    const env = { ACCESS_TOKEN_LIFETIME: '30', REFRESH_TOKEN_LIFETIME: '31536000' }
    expect(readConfig(env).authorizationServer?.lifetimes).toEqual({
      accessToken: 30,
      refreshToken: 31_536_000,
    })
  })
})

describe('sign-in by a Coda token', () => {
  const user = { CODA_CREDENTIALS: 'user', ALLOWED_EMAILS: 'ann@example.com' }
  const kept = { ...user, TOKEN_STORE: 'postgres' }

  it('is on when each caller has a token, addresses are listed and nobody else knows them', () => {
    const config = readConfig({ ...exposed, ...database, ...kept })
    expect(config).toMatchObject({ firstRun: false, sampleCoda: false })
    expect(config.authorizationServer).toMatchObject({
      login: { kind: 'coda' },
      allow: { emails: ['ann@example.com'], domains: [], tenants: [] },
      collectsCodaTokens: true,
    })
  })

  it('needs a store that can be written', () => {
    expect(problemsOf({ ...exposed, ...database, ...user })).toEqual({
      TOKEN_STORE: expect.stringContaining('have to be kept'),
    })
  })

  it('stands beside fixed tokens where it can work, and leaves them alone where it cannot', () => {
    const login = (env: Record<string, string>) => readConfig(env).authorizationServer?.login
    expect(login({ ...kept, ...bearer })).toEqual({ kind: 'coda' })
    expect(login({ ...user, ...bearer })).toBeUndefined()
  })

  it('is off beside any other sign-in, and without listed addresses', () => {
    const oidc = { OIDC_ISSUER: 'https://id.example.com', OIDC_AUDIENCE: 'coda' }
    expect(readConfig({ ...kept, ...oidc }).authorizationServer).toBeUndefined()
    expect(readConfig({ ...kept, ...google }).authorizationServer?.login.kind).toBe('google')
    const { ALLOWED_EMAILS: _, ...rest } = kept
    expect(readConfig(rest).authorizationServer?.login.kind).toBe('dev')
  })

  it('warns that domains let nobody in', () => {
    expect(readConfig({ ...kept, ALLOWED_DOMAINS: 'example.com' }).warnings).toEqual([
      expect.stringMatching(/^ALLOWED_DOMAINS lets nobody in/),
    ])
  })

  it('is a step after sign-in with a provider, where tokens can be kept', () => {
    const collects = (env: Record<string, string>) =>
      readConfig({ ...google, ...lists, CODA_CREDENTIALS: 'user', ...env }).authorizationServer
        ?.collectsCodaTokens
    expect(collects({ TOKEN_STORE: 'postgres' })).toBe(true)
    expect(collects({})).toBe(false)
  })
})
