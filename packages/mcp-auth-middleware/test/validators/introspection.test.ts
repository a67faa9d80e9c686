import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import { sha256 } from '../../src/runtime.js'
import { type IntrospectionOptions, introspection } from '../../src/validators/introspection.js'
import type { TokenValidator, ValidatorIncident, Verdict } from '../../src/validators/validator.js'

const RESOURCE = 'https://mcp.test/mcp'
const OTHER_RESOURCE = 'https://mcp.test/other'
const NOW = Date.UTC(2027, 0, 15)
const SECONDS = NOW / 1000
const TOKEN = 'oat_canary-token'

interface ReceivedCall {
  readonly authorization: string | undefined
  readonly form: URLSearchParams
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
  vi.unstubAllGlobals()
})

/** Starts an authorization server whose endpoint gives one answer, which a test may replace. */
async function startServer(initial: Answer) {
  const calls: ReceivedCall[] = []
  const metadataRequests: string[] = []
  const state: { answer: Answer; metadata: Answer } = {
    answer: initial,
    metadata: (_request, response) => response.writeHead(404).end(),
  }
  const server = createServer(async (request, response) => {
    if (request.url?.includes('/.well-known/')) {
      metadataRequests.push(request.url)
      state.metadata(request, response)
      return
    }
    const { authorization } = request.headers
    calls.push({ authorization, form: new URLSearchParams(await text(request)) })
    state.answer(request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return { origin, endpoint: `${origin}/introspect`, calls, metadataRequests, state }
}

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

const active = (overrides: Record<string, unknown> = {}): Record<string, unknown> => ({
  active: true,
  sub: 'ann',
  client_id: 'client-1',
  aud: RESOURCE,
  scope: 'coda.read coda.write',
  exp: SECONDS + 600,
  token_type: 'Bearer',
  ...overrides,
})

interface Present {
  readonly token?: string
  readonly resource?: string
  readonly now?: number
}

async function present(validator: TokenValidator, options: Present = {}): Promise<Verdict> {
  const { token = TOKEN, resource = RESOURCE, now = NOW } = options
  return validator.validate(token, { resource, digest: await sha256(token), now })
}

function attach(validator: TokenValidator): ValidatorIncident[] {
  const incidents: ValidatorIncident[] = []
  validator.attach?.({
    resources: [RESOURCE, OTHER_RESOURCE],
    report: (incident) => incidents.push(incident),
  })
  return incidents
}

async function setUp(answer: Answer, options: Partial<IntrospectionOptions> = {}) {
  const server = await startServer(answer)
  const validator = introspection({
    issuer: server.origin,
    endpoint: server.endpoint,
    clientId: 'mcp-server',
    clientSecret: 'canary-secret',
    ...options,
  })
  return { ...server, validator, incidents: attach(validator) }
}

describe('introspection()', () => {
  it('accepts an active token for this resource and reads the caller from the answer', async () => {
    const { validator, origin } = await setUp(
      json(active({ email: 'Ann@Example.com', email_verified: true, username: 'Ann', jti: 'j1' })),
    )
    expect(await present(validator)).toMatchObject({
      kind: 'accepted',
      resource: RESOURCE,
      principal: {
        issuer: origin,
        subject: 'ann',
        kind: 'user',
        clientId: 'client-1',
        scopes: ['coda.read', 'coda.write'],
        expiresAt: SECONDS + 600,
        email: 'ann@example.com',
        emailVerified: true,
        name: 'Ann',
        tokenId: 'j1',
        claims: { active: true },
      },
    })
  })

  it.each([
    ['true as text', 'true', false],
    ['missing', undefined, false],
    ['true', true, true],
  ])('counts an address as verified only by the boolean: %s', async (_name, value, verified) => {
    const { validator } = await setUp(
      json(active({ email: 'a@example.com', email_verified: value })),
    )
    expect(await present(validator)).toHaveProperty('principal.emailVerified', verified)
  })

  it.each([
    ['no subject', active({ sub: undefined })],
    ['an empty subject', active({ sub: '' })],
    ['its client as subject', active({ sub: 'client-1' })],
  ])('takes a token with %s for its client, a service', async (_name, response) => {
    const { validator } = await setUp(json(response))
    expect(await present(validator)).toMatchObject({
      principal: { kind: 'service', subject: 'client-1' },
    })
  })

  // RFC 6749 section 2.3.1: form-encoded, then joined, then base64.
  it('sends the credential by Basic with both parts form-encoded, and no copy in the body', async () => {
    const { validator, calls } = await setUp(json(active()), {
      clientId: 'https://mcp.test/id',
      clientSecret: 'a:b c+%/e',
    })
    await present(validator)
    const [call] = calls
    expect(atob(String(call?.authorization).replace('Basic ', ''))).toBe(
      'https%3A%2F%2Fmcp.test%2Fid:a%3Ab+c%2B%25%2Fe',
    )
    expect(Object.fromEntries(call?.form ?? [])).toEqual({
      token: TOKEN,
      token_type_hint: 'access_token',
    })
  })

  it('sends the credential in the body for client_secret_post', async () => {
    const { validator, calls } = await setUp(json(active()), { authMethod: 'client_secret_post' })
    await present(validator)
    expect(calls[0]?.authorization).toBeUndefined()
    expect(calls[0]?.form.get('client_id')).toBe('mcp-server')
    expect(calls[0]?.form.get('client_secret')).toBe('canary-secret')
  })

  it('sends only the client id without a secret', async () => {
    const { validator, calls } = await setUp(json(active()), {
      authMethod: 'none',
      clientSecret: undefined,
    })
    await present(validator)
    expect(calls[0]?.authorization).toBeUndefined()
    expect(calls[0]?.form.get('client_id')).toBe('mcp-server')
    expect(calls[0]?.form.has('client_secret')).toBe(false)
  })

  it.each([
    ['inactive', { active: false }, 'token_inactive'],
    ['inactive beside good claims', active({ active: false }), 'token_inactive'],
    ['of another issuer', active({ iss: 'https://evil.test' }), 'issuer_mismatch'],
    ['of a list of issuers', active({ iss: ['x'] }), 'issuer_mismatch'],
    ['without audience', active({ aud: undefined }), 'audience_missing'],
    ['for a sibling resource', active({ aud: OTHER_RESOURCE }), 'audience_mismatch'],
    ['for the origin only', active({ aud: 'https://mcp.test' }), 'audience_mismatch'],
    ['for the resource with a slash', active({ aud: `${RESOURCE}/` }), 'audience_mismatch'],
    ['for a blank-separated list', active({ aud: `x ${RESOURCE}` }), 'audience_mismatch'],
    ['for nobody', active({ aud: [] }), 'audience_invalid'],
    ['for a nested list', active({ aud: [[RESOURCE]] }), 'audience_invalid'],
    ['for a number', active({ aud: 1 }), 'audience_invalid'],
    ['expired beyond the tolerance', active({ exp: SECONDS - 11 }), 'token_expired'],
    ['expired by exactly the tolerance', active({ exp: SECONDS - 10 }), 'token_expired'],
    ['with exp 0', active({ exp: 0 }), 'exp_invalid'],
    ['with exp as text', active({ exp: `${SECONDS + 600}` }), 'exp_invalid'],
    ['with exp null', active({ exp: null }), 'exp_invalid'],
    ['living 32 days', active({ exp: SECONDS + 32 * 86_400 }), 'lifetime_too_long'],
    ['not yet valid', active({ nbf: SECONDS + 60 }), 'not_yet_valid'],
    ['with nbf as text', active({ nbf: '1' }), 'nbf_invalid'],
    ['issued in the future', active({ iat: SECONDS + 3600 }), 'iat_in_future'],
    ['bound to a key', active({ cnf: { jkt: 'x' } }), 'sender_constrained'],
    ['of type DPoP', active({ token_type: 'DPoP' }), 'token_type_invalid'],
    ['of type refresh_token', active({ token_type: 'refresh_token' }), 'token_type_invalid'],
    ['with a type that has no text', active({ token_type: { toString: 1 } }), 'token_type_invalid'],
    ['for use as refresh token', active({ token_use: 'refresh_token' }), 'not_an_access_token'],
    ['without anyone', active({ sub: undefined, client_id: undefined }), 'subject_missing'],
    ['with a numeric subject', active({ sub: 1 }), 'subject_invalid'],
    ['with a line feed in the subject', active({ sub: 'a\nb' }), 'subject_invalid'],
    ['with a numeric client', active({ client_id: 1 }), 'client_id_invalid'],
    ['with a numeric scope', active({ scope: 1 }), 'scope_invalid'],
    ['with iat after exp', active({ iat: SECONDS + 5, exp: SECONDS + 4 }), 'iat_after_exp'],
    ['future without expiry', active({ iat: SECONDS + 60, exp: undefined }), 'iat_in_future'],
    ['unripe without expiry', active({ nbf: SECONDS + 60, exp: undefined }), 'not_yet_valid'],
    ['bound to nothing by name', active({ cnf: null }), 'sender_constrained'],
    ['with a numeric jti', active({ jti: 1 }), 'jti_invalid'],
  ])('rejects a token that is %s', async (_name, response, reason) => {
    const { validator } = await setUp(json(response))
    expect(await present(validator)).toEqual({ kind: 'rejected', reason })
  })

  it.each([
    ['expired within the tolerance', active({ exp: SECONDS - 9 })],
    ['living 31 days', active({ exp: SECONDS + 31 * 86_400 })],
    ['without expiry', active({ exp: undefined })],
    ['valid in 5 s', active({ nbf: SECONDS + 5 })],
    ['for several resources', active({ aud: ['https://other.test', RESOURCE] })],
    ['without token_type', active({ token_type: undefined })],
    ['of type bearer in lower case', active({ token_type: 'bearer' })],
    ['for use as access token', active({ token_use: 'access_token' })],
    ['without scope', active({ scope: undefined })],
  ])('accepts a token that is %s', async (_name, response) => {
    const { validator } = await setUp(json(response))
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
  })

  it('accepts the configured issuer in the answer, and no issuer with a slash more', async () => {
    const { validator, origin, state } = await setUp(json(active()), { negativeCacheSeconds: 0 })
    state.answer = json(active({ iss: origin }))
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
    state.answer = json(active({ iss: `${origin}/` }))
    expect(await present(validator)).toEqual({ kind: 'rejected', reason: 'issuer_mismatch' })
  })

  it('judges the same token for each resource by itself', async () => {
    const { validator } = await setUp(json(active({ aud: OTHER_RESOURCE })))
    expect(await present(validator)).toMatchObject({ kind: 'rejected' })
    expect(await present(validator, { resource: OTHER_RESOURCE })).toMatchObject({
      kind: 'accepted',
      resource: OTHER_RESOURCE,
    })
  })

  it('accepts a configured audience, but a sibling resource in that list only there', async () => {
    const options = { audience: ['api://mcp', OTHER_RESOURCE], negativeCacheSeconds: 0 }
    const { validator, state } = await setUp(json(active({ aud: 'api://mcp' })), options)
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
    state.answer = json(active({ aud: OTHER_RESOURCE }))
    expect(await present(validator)).toEqual({ kind: 'rejected', reason: 'audience_mismatch' })
    state.answer = json(active({ aud: RESOURCE }))
    expect(await present(validator)).toEqual({ kind: 'rejected', reason: 'audience_mismatch' })
  })

  it('binds by client where the server reports no audience', async () => {
    const { validator, state } = await setUp(json(active({ aud: undefined })), {
      clientIds: ['client-1'],
      negativeCacheSeconds: 0,
    })
    expect(validator.resourceBinding).toBe('client')
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
    for (const clientId of ['client-10', 'CLIENT-1', undefined]) {
      state.answer = json(active({ aud: undefined, client_id: clientId }))
      expect(await present(validator)).toEqual({ kind: 'rejected', reason: 'client_not_listed' })
    }
  })

  it('forbids another client when the audience is good and clients are listed as well', async () => {
    const { validator } = await setUp(json(active({ client_id: 'client-2' })), {
      audience: RESOURCE,
      clientIds: ['client-1'],
    })
    expect(await present(validator)).toEqual({ kind: 'forbidden', reason: 'client_not_listed' })
  })

  it('accepts any audience only by the dangerous option, which it reports once', async () => {
    const { validator, incidents } = await setUp(json(active({ aud: 'https://other.test' })), {
      dangerouslyAcceptAnyAudience: true,
    })
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
    expect(validator.resourceBinding).toBe('none')
    expect(incidents).toEqual([
      expect.objectContaining({ kind: 'warning', reason: 'no_resource_binding' }),
    ])
  })

  it('lets tokenKind refuse what only this server knows', async () => {
    const { validator } = await setUp(json(active({ typ: 'Refresh' })), {
      tokenKind: ({ typ }) => (typ === 'Bearer' ? undefined : 'keycloak_kind'),
    })
    expect(await present(validator)).toEqual({ kind: 'rejected', reason: 'keycloak_kind' })
  })

  it('replaces scopes by granted ones and says that a caller cannot step up', async () => {
    const { validator } = await setUp(json(active()), { grantScopes: () => ['docs.read'] })
    expect(await present(validator)).toMatchObject({ principal: { scopes: ['docs.read'] } })
    expect(validator.scopeSource).toBe('granted')
  })

  it('takes every token that is no JWT, or those with its prefixes, and JWTs when asked', () => {
    const base = { issuer: 'https://as.test', clientId: 'a', clientSecret: 'b' }
    expect(introspection(base).selects).toEqual({ opaque: true })
    expect(introspection({ ...base, prefixes: ['oat_'] }).selects).toEqual({
      prefixes: ['oat_'],
      opaque: false,
    })
    expect(introspection({ ...base, acceptsJwt: true }).selects.issuers).toEqual([
      'https://as.test',
    ])
    expect(introspection(base).authorizationServers).toEqual(['https://as.test'])
  })
})

describe('introspection() during an outage', () => {
  const endless: Answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"active":')
  }

  it.each<[string, Answer, string]>([
    ['500', json({ error: 'x' }, 500), 'http_status'],
    ['500 with an inactive token', json({ active: false }, 500), 'http_status'],
    ['400', json({ error: 'invalid_request' }, 400), 'http_status'],
    ['HTML', json('<html></html>', 200, { 'content-type': 'text/html' }), 'not_json'],
    ['nothing', json(''), 'not_json'],
    ['half an object', json('{"active":tr'), 'not_json'],
    ['a list', json([{ active: true }]), 'not_json'],
    ['null', json('null'), 'not_json'],
    ['true', json('true'), 'not_json'],
    ['an object without active', json({ sub: 'ann', aud: RESOURCE }), 'active_invalid'],
    ['active as text', json(active({ active: 'true' })), 'active_invalid'],
    ['active as number', json(active({ active: 1 })), 'active_invalid'],
    ['64 KiB and a byte', json(active({ pad: 'x'.repeat(64 * 1024) })), 'body_too_large'],
    ['a closed connection', (_request, response) => response.destroy(), 'network_error'],
    ['the start of a body', endless, 'timeout'],
    ['no answer', () => undefined, 'timeout'],
  ])(
    'K24 is unavailable, never rejected, when the endpoint sends %s',
    async (_name, answer, reason) => {
      const { validator } = await setUp(answer, { timeout: reason === 'timeout' ? 300 : 5_000 })
      expect(await present(validator)).toEqual({
        kind: 'unavailable',
        retryAfterSeconds: 2,
        reason: `introspection_${reason}`,
      })
    },
  )

  it('K24 is unavailable when nobody listens', async () => {
    const { validator } = await setUp(json(active()), { endpoint: 'http://127.0.0.1:1/introspect' })
    expect(await present(validator)).toMatchObject({ kind: 'unavailable' })
  })

  it('K24 gives up after 2 s by default', async () => {
    const { validator } = await setUp(() => undefined)
    const start = performance.now()
    expect(await present(validator)).toMatchObject({ reason: 'introspection_timeout' })
    expect(performance.now() - start).toBeGreaterThan(1900)
    expect(performance.now() - start).toBeLessThan(3500)
  })

  it('K24 never remembers an outage: the next request asks again', async () => {
    const { validator, state, calls } = await setUp(json({}, 503))
    expect(await present(validator)).toMatchObject({ kind: 'unavailable' })
    state.answer = json(active())
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
    expect(calls).toHaveLength(2)
  })

  it.each([
    ['17', 17],
    ['0', 1],
    ['86400', 60],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 2],
  ])('passes on Retry-After %s as %i s', async (header, seconds) => {
    const { validator } = await setUp(json({}, 503, { 'retry-after': header }))
    expect(await present(validator)).toMatchObject({ retryAfterSeconds: seconds })
  })

  it.each([301, 302, 307, 308])('does not follow a %i with the token', async (status) => {
    const target = await startServer(json(active()))
    const { validator, incidents } = await setUp(json('', status, { location: target.endpoint }))
    expect(await present(validator)).toMatchObject({ reason: 'introspection_redirected' })
    expect(target.calls).toHaveLength(0)
    expect(incidents).toHaveLength(1)
  })

  it.each<[string, Answer]>([
    ['401', json({ error: 'invalid_client' }, 401)],
    ['401 with an inactive token', json({ active: false }, 401)],
    ['403', json('<html>', 403)],
    ['400 invalid_client', json({ error: 'invalid_client' }, 400)],
  ])(
    'K27 is unavailable and alerts when our own credential is refused by %s',
    async (_name, answer) => {
      const { validator, incidents, origin } = await setUp(answer)
      expect(await present(validator)).toMatchObject({ kind: 'unavailable' })
      expect(incidents).toEqual([
        expect.objectContaining({
          kind: 'issuer-misconfigured',
          validator: 'introspection',
          issuer: origin,
          reason: 'credential_refused',
        }),
      ])
      expect(JSON.stringify(incidents)).not.toContain('canary')
    },
  )

  it('K27 alerts once a minute, not once a request', async () => {
    const { validator, incidents } = await setUp(json({}, 401))
    for (const now of [NOW, NOW + 1000, NOW + 59_999]) await present(validator, { now })
    expect(incidents).toHaveLength(1)
    await present(validator, { now: NOW + 60_000 })
    expect(incidents).toHaveLength(2)
  })
})

describe('introspection() caches', () => {
  it('asks about every request by default', async () => {
    const { validator, calls } = await setUp(json(active()))
    const verdicts = [await present(validator), await present(validator)]
    expect(calls).toHaveLength(2)
    for (const verdict of verdicts) expect(verdict).toHaveProperty('reuse', undefined)
  })

  it.each([
    ['the configured time', active(), NOW + 30_000],
    ['the end of the token', active({ exp: SECONDS + 7 }), NOW + 7000],
    ['the configured time without expiry', active({ exp: undefined }), NOW + 30_000],
  ])('permits reuse until %s', async (_name, response, until) => {
    const { validator } = await setUp(json(response), { cacheSeconds: 30 })
    expect(await present(validator)).toHaveProperty('reuse', { until })
  })

  it('permits no reuse of a token that lives by the clock tolerance only', async () => {
    const { validator } = await setUp(json(active({ exp: SECONDS - 5 })), { cacheSeconds: 30 })
    expect(await present(validator)).toMatchObject({ kind: 'accepted', reuse: undefined })
  })

  it('remembers a refusal for 5 s', async () => {
    const { validator, calls, state } = await setUp(json({ active: false }))
    await present(validator)
    state.answer = json(active())
    expect(await present(validator, { now: NOW + 4999 })).toMatchObject({ kind: 'rejected' })
    expect(calls).toHaveLength(1)
    expect(await present(validator, { now: NOW + 5000 })).toMatchObject({ kind: 'accepted' })
    expect(calls).toHaveLength(2)
  })

  it('forgets a refusal when the clock is set back', async () => {
    const { validator, calls } = await setUp(json({ active: false }))
    await present(validator)
    await present(validator, { now: NOW - 1 })
    expect(calls).toHaveLength(2)
  })

  it('does not take one token for another', async () => {
    const { validator, state } = await setUp(json({ active: false }))
    expect(await present(validator, { token: 'one' })).toMatchObject({ kind: 'rejected' })
    state.answer = json(active())
    expect(await present(validator, { token: 'One' })).toMatchObject({ kind: 'accepted' })
  })

  it('shares one call between equal tokens at the same time', async () => {
    const { validator, calls } = await setUp(json(active()))
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => present(validator)))
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(['accepted']))
    expect(calls).toHaveLength(1)
  })

  it('shares no promise on Workers', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const { validator, calls } = await setUp(json(active()))
    await Promise.all([present(validator), present(validator)])
    expect(calls).toHaveLength(2)
  })

  it('answers what exceeds maxInFlight as unavailable, and recovers', async () => {
    const { validator, calls } = await setUp(json(active()), { maxInFlight: 2 })
    const tokens = ['one', 'two', 'three', 'four']
    const verdicts = await Promise.all(tokens.map((token) => present(validator, { token })))
    expect(verdicts.map(({ kind }) => kind)).toEqual([
      'accepted',
      'accepted',
      'unavailable',
      'unavailable',
    ])
    expect(calls).toHaveLength(2)
    expect(await present(validator, { token: 'five' })).toMatchObject({ kind: 'accepted' })
  })
})

describe('introspection() without an endpoint', () => {
  async function setUpDiscovery(document: (origin: string) => unknown) {
    const clock = { now: NOW }
    const server = await setUp(json(active()), { endpoint: undefined, now: () => clock.now })
    server.state.metadata = (request, response) => json(document(server.origin))(request, response)
    return { ...server, clock }
  }

  it('reads it from the metadata once', async () => {
    const { validator, metadataRequests } = await setUpDiscovery((origin) => ({
      issuer: origin,
      introspection_endpoint: `${origin}/introspect`,
    }))
    expect(metadataRequests).toHaveLength(0)
    await Promise.all([present(validator, { token: 'a' }), present(validator, { token: 'b' })])
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
    expect(metadataRequests).toHaveLength(1)
  })

  it('looks at the OAuth document when the OpenID one names none', async () => {
    const { validator, origin, state } = await setUpDiscovery(() => ({}))
    state.metadata = (request, response) =>
      json({
        issuer: origin,
        ...(request.url?.includes('oauth-authorization-server')
          ? { introspection_endpoint: `${origin}/introspect` }
          : {}),
      })(request, response)
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
  })

  it.each<[string, (origin: string) => unknown, string]>([
    [
      'of another issuer',
      (origin) => ({ issuer: `${origin}/`, introspection_endpoint: `${origin}/introspect` }),
      'introspection_metadata_issuer_mismatch',
    ],
    [
      'without endpoint',
      (origin) => ({ issuer: origin }),
      'introspection_no_introspection_endpoint',
    ],
    [
      'with a plain http endpoint elsewhere',
      (origin) => ({ issuer: origin, introspection_endpoint: 'http://as.test/introspect' }),
      'introspection_no_introspection_endpoint',
    ],
  ])('is unavailable and alerts for a document %s', async (_name, document, reason) => {
    const { validator, incidents, calls } = await setUpDiscovery(document)
    expect(await present(validator)).toMatchObject({ kind: 'unavailable', reason })
    expect(incidents).toEqual([expect.objectContaining({ kind: 'issuer-misconfigured' })])
    expect(calls).toHaveLength(0)
  })

  it('is unavailable while the metadata is, asks again after a second and then works', async () => {
    const { validator, origin, state, metadataRequests, clock } = await setUpDiscovery(() => ({}))
    const good = json({ issuer: origin, introspection_endpoint: `${origin}/introspect` })
    state.metadata = json({}, 500)
    expect(await present(validator)).toMatchObject({ kind: 'unavailable' })
    state.metadata = good
    const attempts = metadataRequests.length
    clock.now += 999
    expect(await present(validator)).toMatchObject({ kind: 'unavailable' })
    expect(metadataRequests).toHaveLength(attempts)
    clock.now += 1
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
  })

  it('goes on with a known endpoint when the metadata cannot be read again', async () => {
    const { validator, state, clock } = await setUpDiscovery((origin) => ({
      issuer: origin,
      introspection_endpoint: `${origin}/introspect`,
    }))
    await present(validator)
    state.metadata = json({}, 500)
    clock.now += 3_600_000
    expect(await present(validator)).toMatchObject({ kind: 'accepted' })
  })
})

describe('introspection() options', () => {
  const base = { issuer: 'https://as.test', clientId: 'mcp', clientSecret: 'canary-secret' }

  it.each<[string, Record<string, unknown>]>([
    ['no issuer', { issuer: undefined }],
    ['a plain http issuer', { issuer: 'http://as.test' }],
    ['an issuer with a query', { issuer: 'https://as.test?x' }],
    ['an issuer with user name', { issuer: 'https://u:p@as.test' }],
    ['a plain http endpoint', { endpoint: 'http://as.test/introspect' }],
    ['a file endpoint', { endpoint: 'file:///etc/passwd' }],
    ['no client id', { clientId: undefined }],
    ['an empty client id', { clientId: '' }],
    ['no secret', { clientSecret: undefined }],
    ['an empty secret', { clientSecret: '' }],
    ['a blank secret', { clientSecret: ' ' }],
    ['a secret with a line feed', { clientSecret: 'canary-secret\n' }],
    ['a secret that is never sent', { authMethod: 'none' }],
    ['an unknown method', { authMethod: 'private_key_jwt' }],
    ['an empty audience', { audience: '' }],
    ['no audiences', { audience: [] }],
    ['no clients', { clientIds: [] }],
    ['an empty prefix', { prefixes: [''] }],
    ['no prefixes', { prefixes: [] }],
    ['31 s of cache', { cacheSeconds: 31 }],
    ['a negative cache time', { cacheSeconds: -1 }],
    ['31 s of negative cache', { negativeCacheSeconds: 31 }],
    ['no calls at all', { maxInFlight: 0 }],
    ['a tolerance of 301 s', { clockTolerance: 301 }],
    ['a lifetime of 32 days', { maxTokenLifetime: 32 * 86_400 }],
    ['a contradiction', { dangerouslyAcceptAnyAudience: true, audience: 'x' }],
    ['a misspelt option', { audiences: ['x'] }],
  ])('refuses %s without repeating the secret', (_name, change) => {
    let message = ''
    try {
      introspection({ ...base, ...change } as IntrospectionOptions)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError)
      message = String(error)
    }
    expect(message).toContain('introspection')
    expect(message).not.toContain('canary')
  })

  it('accepts the same options unchanged', () => {
    expect(introspection(base).name).toBe('introspection')
  })
})
