import { generateBearerToken, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import express, { type Request, type Response } from 'express'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from '../../../packages/authorization-server/test/login/support/openid-provider.js'
import {
  type Cluster,
  serverEngines,
} from '../../../packages/store-postgres/test/support/engines.js'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { createCodaStandIn, standInPath } from '../src/stand-in/coda-stand-in.js'
import { callTool, challengeOf, post } from './support/http-calls.js'
import { listen } from './support/listen.js'
import { openSession } from './support/mcp.js'
import { type Person, visit } from './support/person.js'
import { createOAuthMemory, signIn } from './support/sign-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

// Each server migrates a schema of its own.
vi.setConfig({ testTimeout: 60_000 })

const { add, run } = createCleanup()
const engine = serverEngines().find(({ skip }) => skip === undefined)
const tokens = { ann: 'canary-coda-of-ann', bob: 'canary-coda-of-bob' }
let cluster: Cluster
let provider: OpenidProvider
let coda: { readonly origin: string }
/** Authorization header of everything that reached the stand-in for Coda. */
let upstream: (string | undefined)[]
/** Tokens that the stand-in for Coda no longer takes. */
const revoked = new Set<string>()
let databases = 0
const keys = generateEncryptionKey()
const perUser = { CODA_CREDENTIALS: 'user', CODA_API_TOKEN: '', TOKEN_STORE: 'postgres' }
const standInUser = 'sample@example.com'

beforeAll(async () => {
  if (engine === undefined) return
  cluster = await engine.startCluster()
  add({ close: () => cluster.stop() })
  provider = add(await startOpenidProvider())
  const app = express()
  app.use(express.json(), (request: Request, _response: Response, next) => {
    upstream.push(request.headers.authorization)
    next()
  })
  const accepted = Object.values<string>(tokens)
  const acceptsToken = (token: string) => accepted.includes(token) && !revoked.has(token)
  app.use(createCodaStandIn({ acceptsToken }).router)
  coda = add(await listen(app))
}, 90_000)
afterAll(run)
beforeEach(() => {
  upstream = []
})

/** A server that sends people to the provider, with a schema of its own. */
async function start(env: Record<string, string> = {}): Promise<TestServer> {
  databases += 1
  return await startTestServer({
    OAUTH_PROVIDER: 'oidc',
    OAUTH_ISSUER: provider.issuer,
    OAUTH_CLIENT_ID: CLIENT_ID,
    OAUTH_CLIENT_SECRET: CLIENT_SECRET,
    ALLOWED_EMAILS: 'ann@example.com',
    DATABASE_URL: cluster.connectionString(),
    MCP_AUTH_SCHEMA: `mcp_auth_${databases}`,
    MCP_AUTH_ENCRYPTION_KEYS: keys,
    CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
    CODA_API_TOKEN: tokens.ann,
    ...env,
  })
}

/** What the server that was started last keeps its data in. */
function lastDatabase() {
  const connectionString = cluster.connectionString()
  return { connectionString, schema: `mcp_auth_${databases}`, encryptionKeys: keys }
}

/** Somebody whom the provider vouches for. */
function personAt(name: string, codaToken?: string): Person {
  return {
    codaToken,
    atProvider: (page) => {
      provider.claims = { sub: name, email: `${name}@example.com`, email_verified: true }
      return provider.authorize(page)
    },
  }
}

function subjectOf(token: string): string {
  const [, claims = ''] = token.split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')).sub
}

async function countKeys(store: TokenStore): Promise<number> {
  let count = 0
  for await (const _ of store.keys()) count += 1
  return count
}

/** The page that a new app opens, without going there. */
async function signInPage({ resource }: TestServer): Promise<URL> {
  const memory = createOAuthMemory()
  let page: URL | undefined
  const asking = {
    ...memory,
    redirectToAuthorization: async (url: URL): Promise<void> => {
      page = url
    },
  }
  await openSession(resource, 'v1', { authProvider: asking })
    .connect()
    .catch(() => undefined)
  if (page === undefined) throw new Error('no page was opened')
  return page
}

// A server migrates a schema of its own, so that tests that change nothing for each other share one.
describe.skipIf(engine === undefined)('a server that sends people to a provider', () => {
  let server: TestServer
  beforeAll(async () => {
    if (engine === undefined) return
    server = await start({ ACCESS_TOKEN_LIFETIME: '90' })
  }, 90_000)
  afterAll(() => server?.close())

  it('signs somebody in there and serves the tools', async () => {
    const { client, memory } = await signIn(server.resource, 'v1', personAt('ann'))
    add(client)
    expect((await client.call('coda_whoami')).isError).toBe(false)
    expect(upstream).toContain(`Bearer ${tokens.ann}`)
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      status: 'ok',
      auth: { provider: 'authorization-server', oauth_compliant: true },
    })
    const { access_token: token = '', refresh_token: refresh = '' } = memory.currentTokens() ?? {}
    const log = server.log.join('')
    expect(log).toContain('authorization server: sign-in')
    for (const secret of [token, refresh, CLIENT_SECRET, tokens.ann, 'canary']) {
      expect(log).not.toContain(secret)
    }
  })

  it('keeps out who is not on the list, in words and in the log', async () => {
    const page = await visit(await signInPage(server), personAt('eve'))
    expect([page.status, page.location]).toEqual([403, undefined])
    expect(page.html).not.toContain('ann@')
    expect(server.log.join('')).toContain('not_admitted')
  })

  it('issues tokens for as long as the variables say', async () => {
    const { client, memory } = await signIn(server.resource, 'v1', personAt('ann'))
    add(client)
    expect(memory.currentTokens()).toMatchObject({ expires_in: 90 })
  })
})

describe.skipIf(engine === undefined)('a server with a Coda token for each person', () => {
  let server: TestServer
  let data: ReturnType<typeof lastDatabase>
  beforeAll(async () => {
    if (engine === undefined) return
    server = await start({ ALLOWED_DOMAINS: 'example.com', ...perUser })
    data = lastDatabase()
  }, 90_000)
  afterAll(() => server?.close())

  it('collects the Coda token of each person at sign-in, and acts with that one', async () => {
    const refused = await visit(await signInPage(server), personAt('ann', 'canary-wrong'))
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('/connect"')
    for (const name of ['ann', 'bob'] as const) {
      const { client } = await signIn(server.resource, 'v1', personAt(name, tokens[name]))
      add(client)
      upstream = []
      expect((await client.call('coda_whoami')).isError).toBe(false)
      expect(upstream).toEqual([`Bearer ${tokens[name]}`])
    }
    expect(server.log.join('')).not.toContain('canary')
  })

  it('sends a caller whose Coda token is gone to the account page, to connect again', async () => {
    const { client, memory } = await signIn(server.resource, 'v1', personAt('ann', tokens.ann))
    add(client)
    const token = memory.currentTokens()?.access_token ?? ''
    const subject = subjectOf(token)
    const store = postgresTokenStore(data)
    const owner = { kind: 'user', issuer: server.url, subject } as const
    expect(await store.delete({ provider: 'coda', owner })).toBe(true)
    await store.close()
    const answer = async (): Promise<string> =>
      await (await callTool(server.resource, token, 'coda_whoami')).text()
    await expect
      .poll(answer, { timeout: 10_000 })
      .toContain(`Ask the person to open ${server.url}/account and connect Coda`)

    const account = await visit(new URL('/account', server.url), personAt('ann'))
    const form = '/account/credentials/coda/replace'
    const connected = await account.submit(form, { api_token: tokens.bob })
    expect([connected.status, new URL(connected.url).pathname]).toEqual([200, '/account'])
    upstream = []
    await expect.poll(answer, { timeout: 10_000 }).toContain('structuredContent')
    expect(upstream.at(-1)).toBe(`Bearer ${tokens.bob}`)
  })
})

describe.skipIf(engine === undefined)('OAUTH_PROVIDER=oidc on PostgreSQL', () => {
  it('lets in whom the administrator would invite when only that one is named', async () => {
    const server = await start({ ALLOWED_EMAILS: '', DEFAULT_ADMIN_EMAIL: 'ann@example.com' })
    try {
      const denied = await visit(await signInPage(server), personAt('eve'))
      expect(denied.status).toBe(403)
      const { client } = await signIn(server.resource, 'v1', personAt('ann'))
      add(client)
      expect((await client.call('coda_whoami')).isError).toBe(false)
    } finally {
      await server.close()
    }
  })

  it('stands beside fixed tokens, which the lists leave alone', async () => {
    const { token, digest } = await generateBearerToken()
    const server = await start({ MCP_BEARER_TOKENS: `ci:${digest}` })
    try {
      expect((await callTool(server.resource, token, 'coda_whoami')).status).toBe(200)
      const { client } = await signIn(server.resource, 'v1', personAt('ann'))
      add(client)
      expect((await client.call('coda_whoami')).isError).toBe(false)
      expect((await post(server.resource, 'tools/list', { token: `${token}x` })).status).toBe(401)
      expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
        auth: { providers: ['authorization-server', 'local-bearer'], oauth_compliant: true },
      })
    } finally {
      await server.close()
    }
  })

  it('stands beside another issuer, whose callers the lists are held against', async () => {
    const issuer = add(createTestIssuer({ audience: 'coda-mcp', scopes: ['coda.read'] }))
    await issuer.listen()
    const server = await start({ OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: 'coda-mcp' })
    try {
      const { client } = await signIn(server.resource, 'v1', personAt('ann'))
      add(client)
      expect((await client.call('coda_whoami')).isError).toBe(false)
      const status = async (email: string): Promise<number> => {
        const token = await issuer.token({ email, email_verified: true })
        return (await callTool(server.resource, token, 'coda_whoami')).status
      }
      expect(await status('ann@example.com')).toBe(200)
      expect(await status('eve@example.com')).toBe(403)
      const { resource_metadata: url = '' } = challengeOf(await post(server.resource, 'initialize'))
      // The first one is where clients go.
      expect(await (await fetch(url)).json()).toMatchObject({
        authorization_servers: [server.url, issuer.issuer],
      })
    } finally {
      await server.close()
    }
  })

  it('READ_ONLY offers no scope to write', async () => {
    const server = await start({ READ_ONLY: 'true' })
    try {
      const { client, memory } = await signIn(server.resource, 'v1', personAt('ann'))
      add(client)
      expect(memory.currentTokens()?.scope).toBe('coda.read')
      const metadata = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
      expect((await metadata.json()).scopes_supported).not.toContain('coda.write')
    } finally {
      await server.close()
    }
  })

  it('believes the proxies in TRUST_PROXY, and says when one is missing there', async () => {
    const warned = async (env: Record<string, string>): Promise<boolean> => {
      const server = await start(env)
      const url = `${server.url}/oauth/register`
      await fetch(url, { method: 'POST', headers: { 'x-forwarded-for': '203.0.113.9' } })
      await server.close()
      return server.log.join('').includes('a proxy in front is not named in TRUST_PROXY')
    }
    expect(await warned({ TRUST_PROXY: 'loopback, 10.0.0.0/8' })).toBe(false)
    expect(await warned({ TRUST_PROXY: '10.0.0.0/8' })).toBe(true)
    // By night two settings more: each takes a server.
    if (!isLongForm) return
    expect(await warned({})).toBe(true)
    expect(await warned({ TRUST_PROXY: '1' })).toBe(false)
  })
})

describe.skipIf(engine === undefined)('sign-in by a Coda token', () => {
  const noProvider = {
    OAUTH_PROVIDER: '',
    OAUTH_ISSUER: '',
    OAUTH_CLIENT_ID: '',
    OAUTH_CLIENT_SECRET: '',
    ...perUser,
  }

  describe('of a listed account', () => {
    let server: TestServer
    beforeAll(async () => {
      if (engine === undefined) return
      server = await start({ ...noProvider, ALLOWED_EMAILS: standInUser })
    }, 90_000)
    afterAll(() => server?.close())

    it('needs no provider: it proves a listed account, and is the token that tools use', async () => {
      const refused = await visit(await signInPage(server), { codaToken: 'canary-wrong' })
      expect([refused.status, refused.html.includes('canary')]).toEqual([403, false])
      const { client } = await signIn(server.resource, 'v1', { codaToken: tokens.bob })
      add(client)
      upstream = []
      expect((await client.call('coda_whoami')).isError).toBe(false)
      expect(upstream).toEqual([`Bearer ${tokens.bob}`])
      expect(server.log.join('')).not.toContain('canary')
    })

    it('signs out whoever signed in by a token that Coda no longer takes, and nobody else', async () => {
      const { client, memory } = await signIn(server.resource, 'v1', { codaToken: tokens.bob })
      add(client)
      const tokenOf = () => String(memory.currentTokens()?.access_token)
      const whoami = async () => (await callTool(server.resource, tokenOf(), 'coda_whoami')).status
      revoked.add(tokens.ann)
      expect(await whoami()).toBe(200)
      expect(await whoami()).toBe(200)
      revoked.add(tokens.bob)
      // The call itself is answered; it is the last one.
      expect([await whoami(), await whoami()]).toEqual([200, 401])
      revoked.clear()
    })
  })

  it('keeps out an account that is not listed, and keeps nothing of it', async () => {
    const server = await start({ ...noProvider, ALLOWED_EMAILS: `x${standInUser}` })
    try {
      const page = await visit(await signInPage(server), { codaToken: tokens.bob })
      expect([page.status, page.location]).toEqual([403, undefined])
      const store = postgresTokenStore(lastDatabase())
      const kept = await countKeys(store)
      await store.close()
      expect(kept).toBe(0)
    } finally {
      await server.close()
    }
  })
})

describe.skipIf(engine === undefined)('the database of the authorization server', () => {
  it('X09 ends the start with another key, and names no key', async () => {
    const first = await start()
    await first.close()
    databases -= 1
    const other = generateEncryptionKey()
    const failure = await start({ MCP_AUTH_ENCRYPTION_KEYS: other }).then(
      () => undefined,
      (error: Error) => error,
    )
    expect(failure?.message).toMatch(/key/i)
    expect(failure).toMatchObject({ code: 'ERR_CONFIGURATION' })
    for (const key of [keys, other]) expect(String(failure)).not.toContain(key)
  })

  it('is used by store, limits and sign-ins over five connections and one that listens', async () => {
    const server = await start(perUser)
    const watching = new pg.Client({ connectionString: cluster.connectionString() })
    await watching.connect()
    const count = async () => {
      const { rows } = await watching.query(
        `SELECT count(*)::int AS all, count(*) FILTER (WHERE query LIKE 'LISTEN%')::int AS listening
          FROM pg_stat_activity WHERE application_name = 'mcp-auth' AND datname = current_database()`,
      )
      return rows[0]
    }
    try {
      // Servers of other tests have ended; their connections may take a moment to.
      const { client } = await signIn(server.resource, 'v1', personAt('ann', tokens.ann))
      add(client)
      const pages = Array.from({ length: 40 }, async () => fetch(await signInPage(server)))
      const calls = Array.from({ length: 40 }, () => client.call('coda_whoami'))
      const seen = [await count(), await count(), await count()]
      for (const page of await Promise.all(pages)) expect(page.status).toBeLessThan(500)
      for (const call of await Promise.all(calls)) expect(call.isError).toBe(false)
      seen.push(await count())
      expect(Math.max(...seen.map(({ all }) => all))).toBeLessThanOrEqual(6)
      expect(Math.max(...seen.map(({ listening }) => listening))).toBe(1)
    } finally {
      await watching.end()
      await server.close()
    }
  })

  it('may come later: until then it lives, is not ready, and refuses nobody for good', async () => {
    if (engine === undefined) return
    const late = await engine.startCluster()
    add({ close: () => late.remove() })
    await late.stop()
    const server = await start({ DATABASE_URL: late.connectionString() })
    try {
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
      const refused = await post(server.resource, 'initialize')
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
      expect(refused.headers.get('www-authenticate')).toBeNull()
      await late.start()
      await expect
        .poll(async () => (await fetch(`${server.url}/health/ready`)).status, { timeout: 20_000 })
        .toBe(200)
      const { client } = await signIn(server.resource, 'v1', personAt('ann'))
      add(client)
      expect((await client.call('coda_whoami')).isError).toBe(false)

      const register = async (): Promise<number> => {
        const body = JSON.stringify({ redirect_uris: ['https://app.example/callback'] })
        const headers = { 'content-type': 'application/json' }
        const url = `${server.url}/oauth/register`
        return (await fetch(url, { method: 'POST', headers, body })).status
      }
      const health = async () => (await (await fetch(`${server.url}/health`)).json()).status
      await late.stop()
      expect(await register()).toBe(503)
      expect([await health(), (await fetch(`${server.url}/health/ready`)).status]).toEqual([
        'degraded',
        200,
      ])
      await late.start()
      await expect.poll(register, { timeout: 10_000 }).toBe(201)
      expect(await health()).toBe('ok')
    } finally {
      await server.close()
    }
  })
})
