import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DpopOptions, dpop } from '../../src/dpop.js'
import { createRevocationList } from '../../src/resource-server/revocation.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { generateBearerToken } from '../../src/validators/bearer-tokens.js'
import { jwt } from '../../src/validators/jwt.js'
import { localBearer } from '../../src/validators/local-bearer.js'
import { createProofKey, type ProofChange, type ProofKey } from './proof-key.js'
import { type DpopHost, startHost } from './support.js'

const AUDIENCE = 'https://api.test'
let local: Awaited<ReturnType<typeof generateBearerToken>>
let issuer: TestIssuer
let key: ProofKey
let other: ProofKey
/** Token that is bound to `key`, and one that is bound to nothing. */
let bound: string
let plain: string

beforeAll(async () => {
  issuer = createTestIssuer({ audience: AUDIENCE, subject: 'ann' })
  await issuer.listen()
  key = await createProofKey()
  other = await createProofKey()
  bound = await issuer.token({ cnf: { jkt: key.jkt } })
  plain = await issuer.token()
  local = await generateBearerToken()
})
afterAll(() => issuer.close())

describe.each(['express', 'fetch'] as const)('dpop() on %s', (kind) => {
  let host: DpopHost
  let now = Date.now()
  const revocation = createRevocationList()

  const open = (options?: DpopOptions) =>
    startHost(kind, () => ({
      validators: [
        jwt({ issuer: issuer.issuer, jwksUri: issuer.jwksUri, audience: AUDIENCE }),
        localBearer({ robot: { digest: local.digest, scopes: [] } }),
      ],
      authorizationServers: [issuer.issuer],
      dpop: dpop(options),
      revocation,
      now: () => now,
    }))

  beforeEach(async () => {
    now = Date.now()
    host = await open()
  })
  afterEach(() => host.close())

  const prove = (change?: ProofChange, by = key, method = 'GET', url = host.resource) =>
    by.prove(method, url, { accessToken: bound, now, ...change })
  const send = async (
    proof: string | undefined,
    { token = bound, scheme = 'DPoP', method = 'GET', path = '/mcp' } = {},
  ) =>
    host.send(
      {
        authorization: `${scheme} ${token}`,
        ...(proof === undefined ? {} : { dpop: proof }),
      },
      { method, path },
    )

  it('accepts a bound token with its proof, on every request anew', async () => {
    for (let n = 0; n < 3; n += 1) expect((await send(await prove())).status).toBe(200)
    const post = await prove({}, key, 'DELETE')
    expect((await send(post, { method: 'DELETE', scheme: 'dpop' })).status).toBe(200)
  })

  it('accepts Bearer tokens as before', async () => {
    for (const token of [plain, local.token]) {
      expect((await host.send({ authorization: `Bearer ${token}` })).status).toBe(200)
    }
  })

  it('T27 refuses a bound token as Bearer, also after it was accepted with a proof', async () => {
    const first = await send(undefined, { scheme: 'Bearer' })
    expect([first.status, first.reason]).toEqual([401, 'sender_constrained'])
    expect((await send(await prove())).status).toBe(200)
    for (const proof of [undefined, await prove()]) {
      const again = await send(proof, { scheme: 'Bearer' })
      expect([again.status, again.reason]).toEqual([401, 'sender_constrained'])
    }
  })

  it.each([
    ['bound to nothing', () => plain],
    ['known by the configuration', () => local.token],
    ['bound to a certificate', () => issuer.token({ cnf: { 'x5t#S256': key.jkt } })],
    ['bound to both', () => issuer.token({ cnf: { jkt: key.jkt, 'x5t#S256': key.jkt } })],
    ['bound to no text', () => issuer.token({ cnf: { jkt: [key.jkt] } })],
    ['bound to nothing by name', () => issuer.token({ cnf: null })],
  ])('refuses a token that is %s with a proof', async (_, make) => {
    const token = await make()
    const proof = await key.prove('GET', host.resource, { accessToken: token, now })
    const { status, reason } = await send(proof, { token })
    expect([status, reason]).toEqual([401, 'not_sender_constrained'])
    // The cache holds it now; that must not make it a Bearer token or another thing.
    const again = await send(await key.prove('GET', host.resource, { accessToken: token, now }), {
      token,
    })
    expect([again.status, again.reason]).toEqual([401, 'not_sender_constrained'])
  })

  it.each<[string, string, (send: { prove: typeof prove }) => Promise<string | undefined>]>([
    ['no proof', 'proof_missing', async () => undefined],
    ['an empty proof', 'proof_missing', async () => ''],
    ['something else', 'proof_invalid', async () => 'eyJ.eyJ.sig'],
    ['a proof of another key', 'proof_of_another_key', () => prove({}, other)],
    ['a proof for another method', 'proof_invalid', () => prove({}, key, 'POST')],
    ['a proof in lower case', 'proof_invalid', () => prove({ payload: { htm: 'get' } })],
    ['a proof for another path', 'proof_invalid', () => prove({}, key, 'GET', `${host.resource}/`)],
    ['a proof for the origin', 'proof_invalid', () => prove({}, key, 'GET', host.origin)],
    [
      'a proof for another host',
      'proof_invalid',
      () => prove({}, key, 'GET', 'https://evil.test/mcp'),
    ],
    ['a proof for a path alone', 'proof_invalid', () => prove({}, key, 'GET', '/mcp')],
    ['a proof for no URL', 'proof_invalid', () => prove({ payload: { htu: undefined } })],
    [
      'a proof for several URLs',
      'proof_invalid',
      () => prove({ payload: { htu: [host.resource] } }),
    ],
    [
      'a proof for another token',
      'proof_invalid',
      () => key.prove('GET', host.resource, { accessToken: plain, now }),
    ],
    ['a proof for no token', 'proof_invalid', () => prove({ payload: { ath: undefined } })],
    [
      'a proof 61 s old',
      'proof_invalid',
      () => prove({ payload: { iat: Math.floor(now / 1000) - 61 } }),
    ],
    [
      'a proof 11 s ahead',
      'proof_invalid',
      () => prove({ payload: { iat: Math.ceil(now / 1000) + 11 } }),
    ],
    ['a proof without time', 'proof_invalid', () => prove({ payload: { iat: undefined } })],
    ['a proof whose time is text', 'proof_invalid', () => prove({ payload: { iat: '1' } })],
    [
      'an expired proof',
      'proof_invalid',
      () => prove({ payload: { exp: Math.floor(now / 1000) - 20 } }),
    ],
    ['a proof without id', 'proof_invalid', () => prove({ payload: { jti: undefined } })],
    ['a proof with an empty id', 'proof_invalid', () => prove({ payload: { jti: '' } })],
    ['a proof with a long id', 'proof_invalid', () => prove({ payload: { jti: 'x'.repeat(257) } })],
    ['a proof with a number as id', 'proof_invalid', () => prove({ payload: { jti: 1 } })],
    ['a proof of another type', 'proof_invalid', () => prove({ header: { typ: 'JWT' } })],
    ['a proof without type', 'proof_invalid', () => prove({ header: { typ: undefined } })],
    ['a proof without key', 'proof_invalid', () => prove({ header: { jwk: undefined } })],
    [
      'a proof with a private key',
      'proof_invalid',
      () => prove({ header: { jwk: key.privateJwk } }),
    ],
    [
      'a proof with the key of another',
      'proof_invalid',
      () => prove({ header: { jwk: other.jwk } }),
    ],
    [
      'a proof with an unknown critical member',
      'proof_invalid',
      () => prove({ header: { crit: ['x'], x: 1 } }),
    ],
    [
      'a proof with a symmetric key',
      'proof_invalid',
      () =>
        prove({
          header: {
            alg: 'HS256',
            jwk: { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw' },
          },
          signer: new TextEncoder().encode('secret-secret-secret-secret-sec'),
        }),
    ],
    [
      'a proof that is not signed',
      'proof_invalid',
      async () => {
        const [, payload] = (await prove()).split('.')
        const head = { typ: 'dpop+jwt', alg: 'none', jwk: key.jwk }
        return `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${payload}.`
      },
    ],
    [
      'a proof that is too long',
      'proof_invalid',
      () => prove({ payload: { pad: 'x'.repeat(8192) } }),
    ],
    ['two proofs as one', 'proof_invalid', async () => `${await prove()}, ${await prove()}`],
  ])('refuses %s', async (_, expected, make) => {
    const { status, reason, challenge, body } = await send(await make({ prove }))
    expect([status, reason]).toEqual([401, expected])
    expect(body.error).toBe('invalid_token')
    expect(challenge).toMatch(
      /^Bearer .*resource_metadata=".*, DPoP error="invalid_dpop_proof", algs="ES256 RS256 EdDSA Ed25519"$/,
    )
  })

  it.each([-60, 10])('accepts a proof that is %d s off', async (seconds) => {
    now = Math.floor(now / 1000) * 1000
    const proof = await prove({ payload: { iat: now / 1000 + seconds } })
    expect((await send(proof)).status).toBe(200)
  })

  it('accepts a proof whose URL has a query, a fragment, or capitals in its host', async () => {
    const { port } = new URL(host.origin)
    for (const url of [
      `${host.resource}?a=b`,
      `${host.resource}#c`,
      `HTTP://127.0.0.1:${port}/mcp`,
    ]) {
      expect((await send(await prove({}, key, 'GET', url))).status).toBe(200)
    }
    expect((await send(await prove(), { path: '/mcp?x=1' })).status).toBe(200)
  })

  it('compares the URL of other guarded paths with the configured origin', async () => {
    const path = '/other/path'
    const right = await prove({}, key, 'GET', host.origin + path)
    expect((await send(right, { path })).status).toBe(200)
    expect((await send(await prove(), { path })).reason).toBe('proof_invalid')
  })

  it('accepts a proof once', async () => {
    const proof = await prove()
    expect((await send(proof)).status).toBe(200)
    expect((await send(proof)).reason).toBe('proof_replayed')
    const fresh = await prove()
    const raced = await Promise.all(Array.from({ length: 20 }, () => send(fresh)))
    expect(raced.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('does not spend a proof that was refused for its token', async () => {
    const proof = await prove()
    expect((await send(proof, { token: `${bound}x` })).status).toBe(401)
    expect((await send(proof)).status).toBe(200)
  })

  it('takes the same id of another key', async () => {
    const jti = 'same'
    expect((await send(await prove({ payload: { jti } }))).status).toBe(200)
    const token = await issuer.token({ cnf: { jkt: other.jkt } })
    const proof = await other.prove('GET', host.resource, {
      accessToken: token,
      now,
      payload: { jti },
    })
    expect((await send(proof, { token })).status).toBe(200)
  })

  it('judges the token as strictly as any other', async () => {
    const cnf = { jkt: key.jkt }
    for (const [claims, reason] of [
      [{ cnf, exp: Math.floor(now / 1000) - 60 }, 'token_expired'],
      [{ cnf, aud: 'https://other.test' }, 'audience_mismatch'],
    ] as const) {
      const token = await issuer.token(claims)
      const proof = await key.prove('GET', host.resource, { accessToken: token, now })
      const answer = await send(proof, { token })
      expect([answer.status, answer.reason]).toEqual([401, reason])
      expect(answer.challenge).toMatch(/^Bearer .*error="invalid_token".*, DPoP algs="/)
    }
  })

  it('offers both ways, Bearer first, to a request without credentials', async () => {
    const { status, challenge } = await host.send({})
    expect(status).toBe(401)
    expect(challenge).toMatch(/^Bearer resource_metadata="[^"]*", DPoP algs="ES256 [^"]*"$/)
  })

  it.each([
    ['no token', 'DPoP', 401],
    ['a blank', 'DPoP ', 401],
    ['two tokens', 'DPoP a b', 401],
    ['a list', 'DPoP a, Bearer b', 400],
  ])('calls %s malformed', async (_, authorization, status) => {
    expect((await host.send({ authorization, dpop: 'x' })).status).toBe(status)
  })

  it('refuses a second method beside it', async () => {
    const { status, reason } = await send(await prove(), { path: '/mcp?access_token=x' })
    expect([status, reason]).toEqual([400, 'two_methods'])
  })

  it('shares first uses where it is told how, and answers 503 while that is down', async () => {
    const seen = new Map<string, number>()
    let isDown = false
    const isFirstUse = async (id: string, usableUntil: number) => {
      if (isDown) throw new Error('down')
      return !seen.has(id) && seen.set(id, usableUntil) !== undefined
    }
    const [one, two] = [await open({ isFirstUse }), await open({ isFirstUse })]
    try {
      const first = {
        authorization: `DPoP ${bound}`,
        dpop: await prove({}, key, 'GET', one.resource),
      }
      expect((await one.send(first)).status).toBe(200)
      expect((await one.send(first)).reason).toBe('proof_replayed')
      expect([...seen.keys()][0]).toMatch(/^[\w-]{43}$/)
      expect([...seen.values()][0]).toBeLessThanOrEqual(now + 60_000)
      isDown = true
      const next = {
        authorization: `DPoP ${bound}`,
        dpop: await prove({}, key, 'GET', two.resource),
      }
      const outage = await two.send(next)
      expect([outage.status, outage.reason]).toEqual([503, 'proof_memory_unavailable'])
      isDown = false
      expect((await two.send(next)).status).toBe(200)
    } finally {
      await one.close()
      await two.close()
    }
  })

  it('takes the algorithms it is told, and no others', async () => {
    const own = await open({ algorithms: ['RS256'], maxAgeSeconds: 5 })
    try {
      const rsa = await createProofKey('RS256')
      const token = await issuer.token({ cnf: { jkt: rsa.jkt } })
      const ask = async (by: ProofKey, of: string, change?: ProofChange) =>
        own.send({
          authorization: `DPoP ${of}`,
          dpop: await by.prove('GET', own.resource, { accessToken: of, now, ...change }),
        })
      expect((await ask(rsa, token)).status).toBe(200)
      expect((await ask(key, bound)).reason).toBe('proof_invalid')
      const old = { payload: { iat: Math.floor(now / 1000) - 7 } }
      expect((await ask(rsa, token, old)).reason).toBe('proof_invalid')
    } finally {
      await own.close()
    }
  })
})

describe('the options of dpop()', () => {
  it.each([
    ['an algorithm with a shared secret', { algorithms: ['HS256'] }],
    ['no algorithm', { algorithms: [] }],
    ['no time', { maxAgeSeconds: 0 }],
    ['over five minutes', { maxAgeSeconds: 301 }],
    ['no memory', { maxEntries: 0 }],
    ['no function', { isFirstUse: true }],
    ['a misspelt name', { algs: ['ES256'] }],
  ])('refuse %s', (_, options) => {
    expect(() => dpop(options as DpopOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })

  it('take the nearest neighbours', () => {
    expect(() => dpop({ algorithms: ['ES384'], maxAgeSeconds: 300, maxEntries: 1 })).not.toThrow()
    expect(() => dpop()).not.toThrow()
  })
})
