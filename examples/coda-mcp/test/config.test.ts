import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { describe, expect, it } from 'vitest'
import { variableNames } from '../src/config/variables.js'
import { ConfigError, readConfig } from '../src/config.js'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
const bearer = { MCP_BEARER_TOKENS: `ci:${digest}` }
const coda = { CODA_API_TOKEN: 'canary-coda-token' }
const stytch = { STYTCH_PROJECT_ID: 'project-live-1', STYTCH_DOMAIN: 'login.example.com' }
const access = { CF_ACCESS_TEAM_DOMAIN: 'acme', CF_ACCESS_AUD: 'a'.repeat(64) }
const oidc = { OIDC_ISSUER: 'https://id.example.com/', OIDC_AUDIENCE: 'coda-mcp' }
const provider = {
  OAUTH_PROVIDER: 'oidc',
  OAUTH_CLIENT_ID: 'id',
  OAUTH_CLIENT_SECRET: 'secret',
}
const exposed = { HOST: '0.0.0.0', PUBLIC_URL: 'https://coda.example.com' }
const deployed = { ...exposed, ...coda, ...stytch }

function problemsOf(env: Record<string, string>): Record<string, string> {
  try {
    readConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return Object.fromEntries(error.problems.map(({ variable, message }) => [variable, message]))
  }
  return {}
}

describe('readConfig()', () => {
  it('starts on loopback with nothing configured', () => {
    expect(readConfig({ UNRELATED: 'x', PATH: '/bin' })).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      publicUrl: 'http://localhost:8080',
      resource: 'http://localhost:8080/mcp',
      firstRun: true,
      sampleCoda: true,
      authorizationServer: {
        login: { kind: 'dev', email: 'dev@example.com', name: 'Developer' },
        allow: undefined,
        collectsCodaTokens: false,
        lifetimes: { accessToken: 3600, refreshToken: 2_592_000 },
      },
      database: { connectionString: undefined, encryptionKeys: undefined, schema: 'mcp_auth' },
      readOnly: false,
      drainSeconds: 25,
      coda: { baseUrl: 'https://coda.io/apis/v1', credentials: 'service' },
      waysIn: {},
      warnings: [],
    })
  })

  it.each([
    [{ HOST: '::1' }, 'http://localhost:8080'],
    [{ HOST: 'localhost' }, 'http://localhost:8080'],
    [{ PORT: '80' }, 'http://localhost'],
    [{ PUBLIC_URL: 'http://127.0.0.1:9000' }, 'http://127.0.0.1:9000'],
  ])('names the server on this machine as clients do: %j', (env, url) => {
    expect(readConfig(env)).toMatchObject({ publicUrl: url, firstRun: true })
  })

  it.each([
    [{ HOST: '127.0.0.2' }, 'HOST'],
    [{ PUBLIC_URL: 'https://localhost:8443' }, 'PUBLIC_URL'],
    [{ PUBLIC_URL: 'http://127.0.0.2:8080' }, 'PUBLIC_URL'],
  ])('refuses a first run where the development sign-in cannot be: %j', (env, variable) => {
    expect(problemsOf(env)[variable]).toContain('http://localhost or http://127.0.0.1')
    expect(problemsOf({ ...env, ...bearer, ...coda })).toEqual({})
  })

  it('serves no sample docs to callers who have Coda accounts of their own', () => {
    const user = { CODA_CREDENTIALS: 'user' }
    expect(readConfig(user)).toMatchObject({ firstRun: true, sampleCoda: false })
  })

  it('takes Coda tokens of single callers, under exact names only', () => {
    const name = 'CODA_API_TOKEN__0123456789ABCDEF'
    expect(problemsOf({ [name]: 'canary' })).toEqual({})
    expect(problemsOf({ [`${name}_FILE`]: '/canary' })).toEqual({})
    for (const other of [name.slice(0, -1), `${name}0`, `${name}_X`]) {
      expect(problemsOf({ [other]: 'canary' })).toHaveProperty(other)
    }
  })

  it('warns when nobody could come in by Stytch, whose tokens carry no address', () => {
    const warnings = (env: Record<string, string>): string =>
      readConfig({ ...deployed, ...env }).warnings.join()
    expect(warnings({ ALLOWED_DOMAINS: 'example.com' })).toContain('nobody can come in by Stytch')
    expect(warnings({ ALLOWED_EMAILS: 'ann@example.com' })).toContain('ALLOWED_TENANTS')
    expect(warnings({ ALLOWED_DOMAINS: 'example.com', ALLOWED_TENANTS: 'org-1' })).toBe('')
    expect(warnings({})).toBe('')
  })

  it('uses the Coda account of a first run that names one', () => {
    expect(readConfig(coda)).toMatchObject({ firstRun: true, sampleCoda: false })
  })

  it('reads every way in', () => {
    const config = readConfig({
      ...{ ...deployed, ...access, ...oidc, CF_ACCESS_SERVICE_TOKENS: 'abc.access, def.access' },
      MCP_BEARER_TOKENS: `ci:${digest}, laptop:${digest.replace('0', 'f')}:coda.read+coda.share`,
    })
    expect(config.firstRun).toBe(false)
    expect(config.waysIn).toEqual({
      cloudflareAccess: {
        team: 'acme',
        audience: ['a'.repeat(64)],
        serviceTokens: ['abc.access', 'def.access'],
      },
      stytch: { projectId: 'project-live-1', domain: 'login.example.com' },
      oidc: { issuer: 'https://id.example.com/', audience: ['coda-mcp'] },
      bearer: {
        ci: [{ digest, scopes: ['coda.read'] }],
        laptop: [{ digest: digest.replace('0', 'f'), scopes: ['coda.read', 'coda.share'] }],
      },
    })
  })

  it.each([
    ['PORT', '65535', { port: 65535 }],
    ['HOST', '::1', { host: '::1', publicUrl: 'http://localhost:8080' }],
    ['NODE_ENV', 'production', { nodeEnv: 'production' }],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
    ['DATA_DIR', '/data', { dataDir: '/data' }],
    ['PUBLIC_URL', 'http://localhost:8080/', { publicUrl: 'http://localhost:8080' }],
    ['OAUTH_SERVER_URL', 'http://localhost:8080', { resource: 'http://localhost:8080/mcp' }],
    ['TRUST_PROXY', '2', { trustProxy: 2 }],
    ['TRUST_PROXY', '10.0.0.0/8, loopback', { trustProxy: ['10.0.0.0/8', 'loopback'] }],
    [
      'ALLOWED_ORIGINS',
      'https://a.example, http://localhost:6274',
      {
        allowedOrigins: ['https://a.example', 'http://localhost:6274'],
      },
    ],
    ['DRAIN_SECONDS', '5', { drainSeconds: 5 }],
    ['READ_ONLY', '1', { readOnly: true }],
    [
      'CODA_API_BASE_URL',
      'http://127.0.0.1:9/apis/v1/',
      { coda: { baseUrl: 'http://127.0.0.1:9/apis/v1' } },
    ],
    ['CODA_CREDENTIALS', 'user', { coda: { credentials: 'user' } }],
    ['TOKEN_STORE', 'env', { store: { kind: 'env' } }],
    [
      'TOKEN_STORE',
      'postgres',
      { store: { kind: 'postgres' }, database: { schema: 'mcp_auth' }, sampleCoda: false },
    ],
    ['STORE_OUTAGE_SECONDS', '0', { store: { outageSeconds: 0 } }],
    ['MCP_AUTH_NAMESPACE', 'coda-2', { store: { namespace: 'coda-2' } }],
    ['GRANTED_SCOPES', 'coda.share coda.write', { grantedScopes: ['coda.share', 'coda.write'] }],
    ['GRANTED_SCOPES', 'coda.read, coda.write', { grantedScopes: ['coda.read', 'coda.write'] }],
    ['ALLOWED_EMAILS', 'Ann@Example.com', { allow: { emails: ['ann@example.com'] } }],
    [
      'ALLOWED_DOMAINS',
      'Example.com, b.example',
      { allow: { domains: ['example.com', 'b.example'] } },
    ],
    ['ALLOWED_TENANTS', 'org-1', { allow: { tenants: ['org-1'] } }],
  ])('accepts %s=%s', (name, value, expected) => {
    expect(readConfig({ [name]: value })).toMatchObject(expected)
  })

  it.each([
    ['PORT', '65536'],
    ['PORT', '0'],
    ['PORT', '80a'],
    ['HOST', 'http://0.0.0.0'],
    ['HOST', '127.0.0.1:8080'],
    ['NODE_ENV', 'prod'],
    ['LOG_LEVEL', 'verbose'],
    ['PUBLIC_URL', 'http://coda.example.com'],
    ['PUBLIC_URL', 'https://coda.example.com/mcp'],
    ['PUBLIC_URL', 'https://coda.example.com?x=1'],
    ['PUBLIC_URL', 'https://user:canary@coda.example.com'],
    ['OAUTH_SERVER_URL', 'coda.example.com'],
    ['TRUST_PROXY', 'true'],
    ['ALLOWED_ORIGINS', 'https://a.example/'],
    ['ALLOWED_ORIGINS', '*'],
    ['DRAIN_SECONDS', '0'],
    ['DRAIN_SECONDS', '1.5'],
    ['READ_ONLY', 'yes'],
    ['CODA_API_BASE_URL', 'http://coda.io/apis/v1'],
    ['CODA_CREDENTIALS', 'both'],
    ['TOKEN_STORE', 'redis'],
    ['TOKEN_STORE_FROM', 'memory'],
    ['TOKEN_STORE_MODE', 'read-old'],
    ['STORE_OUTAGE_SECONDS', '-1'],
    ['DATABASE_URL', 'mysql://user:canary@db/coda'],
    ['DATABASE_URL', 'canary'],
    ['MCP_AUTH_ENCRYPTION_KEYS', 'canary'],
    ['MCP_AUTH_ENCRYPTION_KEYS', `${generateEncryptionKey()},`],
    ['MCP_AUTH_ENCRYPTION_KEYS', 'A'.repeat(43)],
    ['MCP_AUTH_NAMESPACE', '-coda'],
    ['MCP_AUTH_SCHEMA', 'Mcp"Auth'],
    ['INFISICAL_SITE_URL', 'http://infisical.example.com'],
    ['INFISICAL_PATH', 'mcp/../auth'],
    ['OAUTH_PROVIDER', 'Google'],
    ['OAUTH_PROVIDER', 'github'],
    ['OAUTH_ISSUER', 'http://id.example.com'],
    ['OAUTH_CLIENT_ID', 'canary id'],
    ['OAUTH_CLIENT_SECRET', 'canary\tsecret'],
    ['OAUTH_SCOPES', 'openid,,email'],
    ['OAUTH_SCOPES', 'openid "email"'],
    ['OAUTH_AUTH_URL', 'http://id.example.com/authorize'],
    ['OAUTH_AUTH_URL', 'https://user:canary@id.example.com/authorize'],
    ['OAUTH_TOKEN_URL', 'id.example.com/token'],
    ['OAUTH_USERINFO_URL', 'https://id.example.com/userinfo#canary'],
    ['ACCESS_TOKEN_LIFETIME', '29'],
    ['ACCESS_TOKEN_LIFETIME', '2678401'],
    ['ACCESS_TOKEN_LIFETIME', '1h'],
    ['REFRESH_TOKEN_LIFETIME', '59'],
    ['REFRESH_TOKEN_LIFETIME', '31536001'],
    ['DEFAULT_ADMIN_EMAIL', 'example.com'],
    ['DEFAULT_ADMIN_EMAIL', 'ann@example.com, bob@example.com'],
    ['DEFAULT_ADMIN_NAME', `Ann${String.fromCharCode(0x202e)}`],
    ['DEFAULT_ADMIN_NAME', 'A'.repeat(81)],
    ['CF_ACCESS_TEAM_DOMAIN', 'https://acme.example.com'],
    ['CF_ACCESS_AUD', 'a b'],
    ['CF_ACCESS_SERVICE_TOKENS', `${'c'.repeat(63)}d`],
    ['STYTCH_PROJECT_ID', 'live-1'],
    ['STYTCH_DOMAIN', 'localhost'],
    ['OIDC_ISSUER', 'http://id.example.com'],
    ['OIDC_AUDIENCE', 'a,,b'],
    ['MCP_BEARER_TOKENS', 'ci:canary-plain-token'],
    ['MCP_BEARER_TOKENS', `ci:${digest}0`],
    ['MCP_BEARER_TOKENS', `ci:${digest}:coda.admin`],
    ['MCP_BEARER_TOKENS', `ci:${digest}:coda.read+coda.shares`],
    ['MCP_BEARER_TOKENS', `ci:${digest},`],
    ['GRANTED_SCOPES', 'coda.admin'],
    ['GRANTED_SCOPES', 'coda.read coda.shares'],
    ['ALLOWED_EMAILS', 'example.com'],
    ['ALLOWED_DOMAINS', '@example.com'],
    ['ALLOWED_TENANTS', ','],
  ])('refuses %s=%s', (name, value) => {
    const message = problemsOf({ ...access, ...provider, [name]: value })[name]
    expect(message).toMatch(/^must /)
    expect(message).not.toContain('canary')
  })

  it('has a refusal case for every variable that has a format', () => {
    // Any text is a path, a Coda token, a name in Infisical or of a person.
    const unformatted = [
      'DATA_DIR',
      'CODA_API_TOKEN',
      'INFISICAL_CLIENT_ID',
      'INFISICAL_CLIENT_SECRET',
      'INFISICAL_PROJECT_ID',
      'INFISICAL_ENVIRONMENT',
      'DEFAULT_ADMIN_NAME',
    ]
    const garbage = Object.fromEntries(variableNames.map((name) => [name, ', canary ,']))
    const refused = Object.keys(problemsOf(garbage))
    expect(variableNames.filter((name) => !refused.includes(name))).toEqual(unformatted)
  })

  it.each([
    ['CF_ACCESS_AUD', { CF_ACCESS_TEAM_DOMAIN: 'acme' }],
    ['CF_ACCESS_TEAM_DOMAIN', { CF_ACCESS_AUD: 'a' }],
    ['STYTCH_DOMAIN', { STYTCH_PROJECT_ID: 'project-test-1' }],
    ['STYTCH_PROJECT_ID', { STYTCH_DOMAIN: 'login.example.com' }],
    ['OIDC_AUDIENCE', { OIDC_ISSUER: 'https://id.example.com' }],
    ['OIDC_ISSUER', { OIDC_AUDIENCE: 'a' }],
  ])('names %s when only its other half is set', (missing, env) => {
    expect(problemsOf(env)).toEqual({ [missing]: expect.stringMatching(/^is missing: /) })
  })

  it('refuses Access service tokens without Access', () => {
    expect(problemsOf({ CF_ACCESS_SERVICE_TOKENS: 'a.access' })).toHaveProperty(
      'CF_ACCESS_SERVICE_TOKENS',
    )
  })

  it('gives metrics a port of their own', () => {
    expect(readConfig({}).metricsPort).toBe(9464)
    expect(readConfig({ METRICS_PORT: '0' }).metricsPort).toBe(0)
    expect(problemsOf({ PORT: '9464' })).toEqual({
      METRICS_PORT: expect.stringMatching(/the same as PORT/),
    })
    expect(problemsOf({ PORT: '9464', METRICS_PORT: '9465' })).toEqual({})
    expect(problemsOf({ METRICS_PORT: '65536' })).toEqual({
      METRICS_PORT: expect.stringMatching(/whole number/),
    })
  })

  it.each(['MCP_RATE_LIMIT', 'MCP_REFUSAL_LIMIT'])('takes a whole number for %s', (name) => {
    expect(problemsOf({ [name]: '0' })).toEqual({})
    expect(problemsOf({ [name]: '1000000' })).toEqual({})
    for (const value of ['-1', '1.5', '600/min', '1000001']) {
      expect(problemsOf({ [name]: value })).toEqual({
        [name]: expect.stringMatching(/whole number/),
      })
    }
  })

  it.each([
    ['ALLOWED_EMAIL', 'ALLOWED_EMAILS'],
    ['CF_ACCESS_AUDIENCE', 'CF_ACCESS_AUD'],
    ['STYTCH_PROJECT', 'STYTCH_PROJECT_ID'],
    ['MCP_BEARER_TOKEN', 'MCP_BEARER_TOKENS'],
    ['CODA_API_KEY', 'CODA_API_TOKEN'],
  ])('refuses the misspelt %s and suggests %s', (name, suggestion) => {
    expect(problemsOf({ [name]: 'canary' })[name]).toContain(`did you mean ${suggestion}?`)
  })

  it('ignores what Kubernetes sets for a service', () => {
    const env = { CODA_API_PORT: 'tcp://10.0.0.1:80', CODA_API_SERVICE_HOST: '10.0.0.1' }
    expect(problemsOf(env)).toEqual({})
  })

  it('treats an empty variable as unset', () => {
    expect(readConfig({ PORT: '', STYTCH_DOMAIN: ' ', PUBLIC_URL: '' }).firstRun).toBe(true)
  })

  it('names everything that a start off loopback lacks', () => {
    expect(Object.keys(problemsOf({ HOST: '0.0.0.0' })).sort()).toEqual([
      '(way in)',
      'CODA_API_TOKEN',
      'PUBLIC_URL',
    ])
  })

  it('refuses a start without a way in behind a public URL, though it listens on loopback', () => {
    const problems = problemsOf({ ...coda, PUBLIC_URL: 'https://coda.example.com' })
    expect(problems['(way in)']).toMatch(/CF_ACCESS_TEAM_DOMAIN and CF_ACCESS_AUD; or STYTCH/)
    expect(problemsOf({ ...coda, ...bearer, PUBLIC_URL: 'https://coda.example.com' })).toEqual({})
  })

  it('needs a Coda token as soon as there is a way in, unless each caller has one', () => {
    expect(problemsOf(bearer)).toHaveProperty('CODA_API_TOKEN')
    expect(problemsOf({ ...bearer, CODA_CREDENTIALS: 'user' })).toEqual({})
  })

  it('refuses two different public URLs and accepts the same twice', () => {
    const other = { OAUTH_SERVER_URL: 'https://other.example.com' }
    expect(problemsOf({ ...deployed, ...other })).toHaveProperty('OAUTH_SERVER_URL')
    expect(problemsOf({ ...deployed, OAUTH_SERVER_URL: 'https://coda.example.com/' })).toEqual({})
  })

  it('warns once about secrets that are not used', () => {
    const { warnings } = readConfig({ JWT_SECRET: 'canary-a', STYTCH_SECRET: 'canary-b' })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/JWT_SECRET and STYTCH_SECRET.*MCP_AUTH_ENCRYPTION_KEYS/)
    expect(warnings[0]).not.toContain('canary')
    expect(readConfig({ JWT_SECRET: '' }).warnings).toEqual([])
  })

  it('lists all problems in one error without any value', () => {
    const env = {
      PORT: 'canary',
      READ_ONLY: 'canary',
      STYTCH_DOMAIN: 'canary',
      OAUTH_PROVIDER: 'canary',
    }
    expect(() => readConfig(env)).toThrow(/PORT.*READ_ONLY.*OAUTH_PROVIDER.*STYTCH_DOMAIN/s)
    expect(() => readConfig(env)).not.toThrow(/canary/)
  })
})

describe('stores of Coda tokens', () => {
  const keys = generateEncryptionKey()
  const database = { TOKEN_STORE: 'postgres', DATABASE_URL: 'postgres://coda@127.0.0.1/coda' }
  const infisical = {
    INFISICAL_CLIENT_ID: 'id',
    INFISICAL_CLIENT_SECRET: 'canary-secret',
    INFISICAL_PROJECT_ID: 'project',
  }

  it('needs no Coda token in the environment when it is in another store', () => {
    const env = { ...bearer, ...database, MCP_AUTH_ENCRYPTION_KEYS: keys }
    expect(problemsOf(env)).toEqual({})
    expect(problemsOf({ ...bearer, TOKEN_STORE: 'infisical', ...infisical })).toEqual({})
    expect(readConfig({ ...env, ...coda }).warnings).toEqual([
      expect.stringMatching(/^CODA_API_TOKEN is set and not used/),
    ])
  })

  it('needs keys with a database of its own, and takes them from a file', () => {
    expect(problemsOf({ ...bearer, ...database })).toHaveProperty('MCP_AUTH_ENCRYPTION_KEYS')
    const config = readConfig(
      { ...bearer, ...database, MCP_AUTH_ENCRYPTION_KEYS_FILE: '/run/secrets/keys' },
      () => `${keys}\n`,
    )
    expect(config.database?.encryptionKeys).toBe(keys)
  })

  it('embeds a database on loopback only', () => {
    expect(problemsOf({ ...bearer, TOKEN_STORE: 'postgres' })).toEqual({})
    expect(problemsOf({ ...deployed, ...bearer, TOKEN_STORE: 'postgres' })).toHaveProperty(
      'DATABASE_URL',
    )
  })

  it('names what the infisical store lacks', () => {
    expect(Object.keys(problemsOf({ ...bearer, TOKEN_STORE: 'infisical' })).sort()).toEqual(
      Object.keys(infisical).sort(),
    )
  })

  it.each([
    ['TOKEN_STORE_MODE', { TOKEN_STORE: 'postgres', TOKEN_STORE_FROM: 'env' }],
    ['TOKEN_STORE_FROM', { TOKEN_STORE: 'postgres', TOKEN_STORE_MODE: 'read-new' }],
    [
      'TOKEN_STORE_FROM',
      { TOKEN_STORE: 'postgres', TOKEN_STORE_FROM: 'postgres', TOKEN_STORE_MODE: 'read-new' },
    ],
    // Environment variables cannot be written.
    [
      'TOKEN_STORE_MODE',
      { TOKEN_STORE: 'postgres', TOKEN_STORE_FROM: 'env', TOKEN_STORE_MODE: 'dual-write' },
    ],
    [
      'TOKEN_STORE',
      { TOKEN_STORE: 'env', TOKEN_STORE_FROM: 'postgres', TOKEN_STORE_MODE: 'read-new' },
    ],
  ])('refuses %s of a migration that cannot be', (variable, env) => {
    expect(problemsOf({ ...bearer, ...coda, ...env })).toHaveProperty(variable)
  })

  it.each([
    { TOKEN_STORE: 'postgres', TOKEN_STORE_FROM: 'env', TOKEN_STORE_MODE: 'read-new' },
    {
      TOKEN_STORE: 'infisical',
      TOKEN_STORE_FROM: 'postgres',
      TOKEN_STORE_MODE: 'dual-write',
      ...infisical,
    },
  ])('accepts the migration $TOKEN_STORE_FROM to $TOKEN_STORE, $TOKEN_STORE_MODE', (env) => {
    expect(problemsOf({ ...bearer, ...env })).toEqual({})
  })
})

describe('files with secrets', () => {
  const directory = mkdtempSync(join(tmpdir(), 'coda-mcp-'))
  const path = join(directory, 'secret')

  it('reads CODA_API_TOKEN_FILE and MCP_BEARER_TOKENS_FILE without the line feed at the end', () => {
    writeFileSync(path, 'token-of-file\n')
    expect(readConfig({ CODA_API_TOKEN_FILE: path }).coda.apiToken).toBe('token-of-file')
    writeFileSync(path, `ci:${digest}\n`)
    const config = readConfig({ ...coda, MCP_BEARER_TOKENS_FILE: path })
    expect(config.waysIn.bearer).toHaveProperty('ci')
    rmSync(directory, { recursive: true })
  })

  it.each([
    [
      'cannot be read',
      () => {
        throw new Error('canary')
      },
    ],
    ['is empty', () => ' \n'],
  ])('refuses a file that %s', (what, readFile) => {
    const read = (): unknown => readConfig({ CODA_API_TOKEN_FILE: '/canary' }, readFile)
    expect(read).toThrow(`CODA_API_TOKEN_FILE names a file that ${what}`)
    expect(read).not.toThrow(/canary/)
  })

  it('refuses a variable beside its file', () => {
    const read = (): unknown => readConfig({ ...coda, CODA_API_TOKEN_FILE: '/x' }, () => 'y')
    expect(read).toThrow(/CODA_API_TOKEN_FILE is set beside CODA_API_TOKEN/)
  })

  it('refuses a file for a variable that is no secret', () => {
    expect(problemsOf({ ALLOWED_EMAILS_FILE: '/x' })).toHaveProperty('ALLOWED_EMAILS_FILE')
  })
})
