import { describe, expect, it } from 'vitest'
import { createMcpAuth, type McpAuth } from '../../src/create-mcp-auth.js'
import { createAuthorizationServerMirror } from '../../src/metadata/authorization-server-mirror.js'
import { parseMessage } from '../../src/resource-server/json-rpc-message.js'
import type { RevocationSource } from '../../src/resource-server/revocation.js'
import { cachedTokenStore } from '../../src/token-store/cached-token-store.js'
import { memoryTokenStore } from '../../src/token-store/memory-token-store.js'
import { introspection } from '../../src/validators/introspection.js'
import { jwt } from '../../src/validators/jwt.js'
import { createSigningKey, signToken } from '../jwt/sign.js'
import { principalOf, validatorOf, viewOf } from '../resource-server/fakes.js'

const RESOURCE = 'https://mcp.test/mcp'
const ISSUER = 'https://as.test'
const YEAR = 365 * 24 * 60 * 60_000
const key = createSigningKey('RS256')

function token(claims: Record<string, unknown> = {}, signer = key): string {
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now - 60, exp: now + 3600 }
  return signToken(signer, { iss: ISSUER, aud: RESOURCE, sub: 'ann', ...times, ...claims })
}

async function statusOf(auth: McpAuth, credential: string, target = '/mcp'): Promise<number> {
  const headers = { authorization: `Bearer ${credential}` }
  const outcome = await auth.guard(viewOf(headers, { method: 'GET', target }))
  return outcome.kind === 'accepted' ? 200 : outcome.status
}

describe('revocation', () => {
  it.each([
    ['a promise', Promise.resolve('revoked')],
    ['nothing', undefined],
    ['an unknown word', 'REVOKED'],
  ])('fails closed when the source answers %s', async (_name, answer) => {
    // A source that is not type-checked, as validators that break their contract are handled.
    const revocation = { check: () => answer } as unknown as RevocationSource
    const auth = createMcpAuth({ resource: RESOURCE, validators: [validatorOf()], revocation })
    expect(await statusOf(auth, 't')).toBe(500)
  })
})

describe('time', () => {
  it('accepts no expired token while the clock answers no number', async () => {
    const auth = createMcpAuth({
      resource: RESOURCE,
      validators: [jwt({ issuer: ISSUER, jwks: { keys: [key.jwk] } })],
      now: () => Number.NaN,
    })
    const answer = statusOf(auth, token({ iat: 500, exp: 1000 })).catch(() => 500)
    expect(await answer).toBeGreaterThanOrEqual(400)
  })

  it('asks for metadata again after the clock was set back', async () => {
    let now = Date.now() + YEAR
    let isUp = false
    const answer = (url: string): Response => {
      if (!isUp) return new Response('', { status: 500 })
      return url.includes('well-known')
        ? Response.json({ issuer: ISSUER, introspection_endpoint: `${ISSUER}/introspect` })
        : Response.json({ active: true, aud: RESOURCE, sub: 'ann' })
    }
    const validator = introspection({
      issuer: ISSUER,
      clientId: 'server',
      clientSecret: 'secret',
      fetch: async (url) => answer(String(url)),
      now: () => now,
    })
    const auth = createMcpAuth({ resource: RESOURCE, validators: [validator], now: () => now })
    expect(await statusOf(auth, 'opaque')).toBe(503)
    isUp = true
    now -= YEAR - 60 * 60_000
    expect(await statusOf(auth, 'opaque')).toBe(200)
  })

  it('mirrors metadata again after the clock was set back', async () => {
    let isUp = false
    const mirror = createAuthorizationServerMirror({
      issuer: ISSUER,
      fetch: async () =>
        isUp ? Response.json({ issuer: ISSUER }) : new Response('', { status: 500 }),
    })
    await mirror.read(Date.now() + YEAR)
    isUp = true
    expect((await mirror.read(Date.now())).kind).toBe('document')
  })

  it('serves no cached credential beyond its time after the clock was set back', async () => {
    let now = Date.now() + YEAR
    const owned = { provider: 'coda', owner: { kind: 'service' } } as const
    const behind = memoryTokenStore()
    await behind.set(owned, { kind: 'api-key', secret: 'old' })
    const store = cachedTokenStore(behind, { ttlSeconds: 60, now: () => now })
    await store.get(owned)
    await behind.delete(owned)
    now -= YEAR - 24 * 60 * 60_000
    expect(await store.get(owned)).toBeUndefined()
  })
})

describe('validators', () => {
  it('J27 keeps sibling resources apart when a validator serves two McpAuth', async () => {
    const [here, sibling] = ['https://mcp.test/a', 'https://mcp.test/b']
    const validator = jwt({
      issuer: ISSUER,
      jwks: { keys: [key.jwk] },
      audience: [here, sibling],
    })
    const auth = createMcpAuth({
      resources: { [here]: {}, [sibling]: {} },
      validators: [validator],
    })
    expect(await statusOf(auth, token({ aud: sibling }), '/a')).toBe(401)
    try {
      createMcpAuth({ resource: 'https://mcp.test/c', validators: [validator] })
    } catch {
      // Refusing to be attached twice would be as good.
    }
    expect(await statusOf(auth, token({ aud: sibling }), '/a')).toBe(401)
  })

  it('grants nothing from the response when grantScopes of introspection answers nothing', async () => {
    const validator = introspection({
      issuer: ISSUER,
      endpoint: `${ISSUER}/introspect`,
      clientId: 'server',
      clientSecret: 'secret',
      grantScopes: (() => undefined) as unknown as () => readonly string[],
      fetch: async () => Response.json({ active: true, aud: RESOURCE, sub: 'ann', scope: 'admin' }),
    })
    const scopes = { required: ['admin'] }
    const auth = createMcpAuth({ resource: RESOURCE, validators: [validator], scopes })
    expect(await statusOf(auth, 'opaque')).toBeGreaterThanOrEqual(400)
  })

  it('J56 tells an address with a Kelvin sign from the listed one', async () => {
    const auth = createMcpAuth({
      resource: RESOURCE,
      validators: [jwt({ issuer: ISSUER, jwks: { keys: [key.jwk] } })],
      allow: { emails: ['mike@example.com'] },
    })
    const claims = (email: string) => ({ email, email_verified: true })
    expect(await statusOf(auth, token(claims('mike@example.com')))).toBe(200)
    expect(await statusOf(auth, token(claims('mi\u212ae@example.com')))).toBe(403)
  })

  it('K02 caches no verdict of a key that was withdrawn while the token was verified', async () => {
    let now = Date.now()
    let isWithdrawn = false
    const next = createSigningKey('RS256')
    const keys = () => [
      ...(isWithdrawn ? [] : [{ ...key.jwk, kid: 'old' }]),
      { ...next.jwk, kid: 'next' },
    ]
    let fetches = 0
    const auth = createMcpAuth({
      resource: RESOURCE,
      validators: [
        jwt({
          issuer: ISSUER,
          jwksUri: `${ISSUER}/jwks`,
          now: () => now,
          fetch: async () => {
            fetches += 1
            return Response.json({ keys: keys() })
          },
        }),
      ],
      now: () => now,
    })
    const seconds = Math.floor(now / 1000)
    const sign = (jti: string) =>
      signToken(
        key,
        { iss: ISSUER, aud: RESOURCE, sub: 'ann', jti, iat: seconds, exp: seconds + 7200 },
        { kid: 'old' },
      )
    expect(await statusOf(auth, sign('first'))).toBe(200)

    isWithdrawn = true
    // Past 80 % of the freshness: the look-up answers and refreshes in the background.
    now += 8.5 * 60_000
    const { subtle } = globalThis.crypto
    const verify = subtle.verify
    subtle.verify = async (...parameters: Parameters<SubtleCrypto['verify']>) => {
      const result: boolean = await Reflect.apply(verify, subtle, parameters)
      // Long enough for the key set to be imported.
      while (fetches < 2) await new Promise((resolve) => setImmediate(resolve))
      for (let turn = 0; turn < 200; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      return result
    }
    const second = sign('second')
    try {
      await statusOf(auth, second)
    } finally {
      subtle.verify = verify
    }
    now += 60_000
    expect(await statusOf(auth, second)).toBe(401)
  })
})

describe('messages', () => {
  const scopes = {
    tools: {},
    otherTools: ['write'],
    resources: { 'secret://*': ['secret'] },
    otherResources: [],
  }

  it('asks for the scopes of every resource that subscriptions/listen names', async () => {
    const auth = createMcpAuth({ resource: RESOURCE, validators: [validatorOf()], scopes })
    const outcome = await auth.guard(viewOf({ authorization: 'Bearer t' }))
    if (outcome.kind !== 'accepted') throw new Error('the endpoint itself needs no scope')
    const message = (uri: string) =>
      parseMessage({
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: { notifications: { resourceSubscriptions: ['open://1', uri] } },
      })
    expect(await outcome.authorizeMessage?.(message('open://2'))).toBeUndefined()
    expect(await outcome.authorizeMessage?.(message('secret://1'))).toMatchObject({ status: 403 })
  })

  // What Express 4 puts in place of a body that its parser left alone.
  it.each([[{}], [{ id: 1 }], [{ jsonrpc: '2.0' }]])('refuses %j, which is no message', (body) => {
    expect(parseMessage(body).kind).toBe('unreadable')
  })

  it.each(['DELETE', 'OPTIONS'])('judges a %s body of unannounced length', async (method) => {
    const auth = createMcpAuth({ resource: RESOURCE, validators: [validatorOf()], scopes })
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } }
    const request = new Request(RESOURCE, {
      method,
      headers: { authorization: 'Bearer t' },
      body: JSON.stringify(call),
    })
    const response = await auth.fetch(request, () => new Response('ran'))
    expect(response.status).toBe(403)
  })
})

describe('createMcpAuth()', () => {
  it.each(['accounts', 'http://login.example.com', 'https://login.example.com/#x'])(
    'C24 refuses to publish the issuer %j that a validator names',
    (issuer) => {
      const validators = [jwt({ issuer, jwks: { keys: [key.jwk] } })]
      expect(() => createMcpAuth({ resource: RESOURCE, validators })).toThrow(
        /authorizationServers/,
      )
    },
  )

  it.each(['/mcp/', '/MCP', '/%6dcp'])('T30 refuses %s as a public path', (path) => {
    const options = { resource: RESOURCE, validators: [validatorOf()], publicPaths: [path] }
    expect(() => createMcpAuth(options)).toThrow(/publicPaths/)
  })

  it('finds the resource of a Host that names the default port', async () => {
    const auth = createMcpAuth({
      resources: { 'https://a.test/mcp': {}, 'https://b.test/mcp': {} },
      validators: [validatorOf({ kind: 'accepted', principal: principalOf() })],
    })
    const headers = { host: 'a.test:443', authorization: 'Bearer t' }
    expect((await auth.guard(viewOf(headers, { method: 'GET' }))).kind).toBe('accepted')
  })
})
