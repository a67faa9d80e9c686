import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isAuthError } from '../../src/errors.js'
import { JWT_REASONS } from '../../src/jwt/reasons.js'
import { type JwtOptions, jwt } from '../../src/validators/jwt.js'
import { createClock, createNetwork, keySetOf, START } from '../jwt/fakes.js'
import { base64url, createSigningKey, type SigningKey, signRaw, signToken } from '../jwt/sign.js'
import { attach, type Harness, RESOURCE } from './jwt-fixture.js'

const ISSUER = 'https://as.test'
const JWKS = 'https://as.test/jwks'
const k1 = createSigningKey('RS256', 'k1')
const e1 = createSigningKey('ES256', 'e1')
const stranger = createSigningKey('RS256', 'k1')
const now = START / 1000

const claims = {
  iss: ISSUER,
  aud: RESOURCE,
  sub: 'user-1',
  client_id: 'client-1',
  scope: 'coda.read coda.write',
  iat: now - 60,
  exp: now + 3600,
  jti: 'token-1',
}

const clock = createClock()
const network = createNetwork({ [JWKS]: keySetOf(k1, e1) })

function create(options: Partial<JwtOptions> = {}, resources?: readonly string[]): Harness {
  const base = { issuer: ISSUER, fetch: network.fetch, now: clock.now }
  const keys = 'jwks' in options ? {} : { jwksUri: JWKS }
  return attach(jwt({ ...base, ...keys, ...options }), clock, resources)
}

/** Signs the usual claims with changes; `undefined` removes one. */
function token(
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key: SigningKey = k1,
): string {
  return signToken(key, { ...claims, ...changes }, header)
}

const judge = (text: string, options?: Partial<JwtOptions>): Promise<string> =>
  create(options).judge(text)

describe('jwt()', () => {
  it('accepts a good token and describes its caller', async () => {
    const verdict = await create().validate(
      token({ email: 'Ann@Example.com', email_verified: true, name: 'Ann' }),
    )
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind)
    expect(verdict.principal).toMatchObject({
      issuer: ISSUER,
      subject: 'user-1',
      kind: 'user',
      clientId: 'client-1',
      scopes: ['coda.read', 'coda.write'],
      expiresAt: now + 3600,
      email: 'ann@example.com',
      emailVerified: true,
      name: 'Ann',
      tokenId: 'token-1',
    })
    expect(verdict.resource).toBe(RESOURCE)
    expect(verdict.reuse?.until).toBe(START + 600_000)
    expect(verdict.reuse?.generation).toEqual({ current: true })
  })

  it('freezes the claims and everything in them', async () => {
    const verdict = await create().validate(token({ realm: { roles: ['a'] } }))
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind)
    const { claims: frozen } = verdict.principal
    expect(Object.isFrozen(verdict.principal)).toBe(true)
    expect(Object.isFrozen(frozen)).toBe(true)
    expect(Object.isFrozen(Reflect.get(Object(frozen.realm), 'roles'))).toBe(true)
  })

  it('allows reuse no longer than the token lives', async () => {
    const verdict = await create().validate(token({ exp: now + 5 }))
    expect(verdict).toMatchObject({ kind: 'accepted', reuse: { until: START + 5000 } })
  })

  it('accepts every algorithm of the default list', async () => {
    const ed = createSigningKey('EdDSA', 'd1')
    expect(await judge(token({}, {}, e1))).toBe('accepted')
    expect(await judge(token({}, {}, ed), { jwks: keySetOf(ed) })).toBe('accepted')
  })

  describe('header', () => {
    const spki = createSecretKey(
      Buffer.from('-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n'),
    )
    const hmac = (key: typeof spki, alg = 'HS256'): string =>
      signRaw({ alg, kid: 'k1', typ: 'at+jwt' }, claims, { ...k1, privateKey: key }, alg)
    const none = `${base64url({ alg: 'none', typ: 'at+jwt' })}.${base64url(claims)}`

    it.each([
      ['J01 alg none with an empty signature', `${none}.`, 'malformed_token'],
      ['J01 alg none with some signature', `${none}.AAAA`, 'alg_not_allowed'],
      ['J03 HS256 keyed with the public key', hmac(spki), 'alg_not_allowed'],
      ['J06 HS256 with an empty secret', hmac(createSecretKey(Buffer.alloc(0))), 'alg_not_allowed'],
      [
        'J48 PBES2 with two billion rounds',
        signRaw({ alg: 'PBES2-HS256+A128KW', p2c: 2147483647 }, claims, k1),
        'alg_not_allowed',
      ],
      ['no alg', signRaw({ kid: 'k1' }, claims, k1), 'alg_not_allowed'],
      ['alg in another case', token({}, { alg: 'rs256' }), 'alg_not_allowed'],
      ['J13 crit with an unknown name', token({}, { crit: ['foo'], foo: 1 }), 'critical_header'],
      ['J13 an empty crit', token({}, { crit: [] }), 'critical_header'],
      ['J13 crit that is a text', token({}, { crit: 'foo' }), 'critical_header'],
      ['J13 crit naming an absent member', token({}, { crit: ['bar'] }), 'critical_header'],
      ['J15 an unencoded payload', token({}, { b64: false, crit: ['b64'] }), 'critical_header'],
      ['J16 b64 false without crit', token({}, { b64: false }), 'critical_header'],
      ['J16 b64 true with crit', token({}, { b64: true, crit: ['b64'] }), 'critical_header'],
      [
        'J17 alg none, then RS256',
        signRaw('{"alg":"RS256","kid":"k1","alg":"none"}', claims, k1),
        'alg_not_allowed',
      ],
      ['a kid that is a number', token({}, { kid: 1 }), 'kid_invalid'],
      ['an empty kid', token({}, { kid: '' }), 'kid_invalid'],
      ['a kid list', token({}, { kid: ['k1'] }), 'kid_invalid'],
      ['a typ that is a list', token({}, { typ: ['at+jwt'] }), 'typ_not_allowed'],
      ['a logout token', token({}, { typ: 'logout+jwt' }), 'typ_not_allowed'],
      ['a DPoP proof', token({}, { typ: 'dpop+jwt' }), 'typ_not_allowed'],
    ])('refuses %s', async (_name, text, reason) => {
      expect(await judge(text)).toBe(`rejected: ${reason}`)
    })

    it.each(['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', undefined])(
      'J37 accepts typ %s',
      async (typ) => {
        expect(await judge(token({}, { typ }))).toBe('accepted')
      },
    )

    it('accepts only the listed typ when there is a list', async () => {
      expect(await judge(token({}, { typ: 'at+jwt' }), { typ: ['at+jwt'] })).toBe('accepted')
      expect(await judge(token({}, { typ: 'JWT' }), { typ: ['at+jwt'] })).toBe(
        'rejected: typ_not_allowed',
      )
      expect(await judge(token({}, { typ: undefined }), { typ: ['at+jwt'] })).toBe(
        'rejected: typ_not_allowed',
      )
    })

    it('J07 ignores an embedded key', async () => {
      expect(await judge(token({}, { jwk: stranger.jwk }, stranger))).toBe(
        'rejected: bad_signature',
      )
    })

    it('J08 J10 never fetches what a header points at', async () => {
      const pointing = {
        jku: 'http://127.0.0.1:9/jwks',
        x5u: 'http://127.0.0.1:9/cert',
        x5c: ['x'],
      }
      const before = network.requests.length
      const harness = create()
      expect(await harness.judge(token({}, pointing, stranger))).toBe('rejected: bad_signature')
      expect(await harness.judge(token({}, { ...pointing, jwk: stranger.jwk }))).toBe('accepted')
      expect(network.requests.slice(before)).toEqual([JWKS])
    })

    it.each([
      '../../dev/null',
      "k1' OR '1'='1",
      'https://evil.test/k',
      '__proto__',
      'x'.repeat(5000),
    ])('J11 refuses kid %s without a fetch of its own', async (kid) => {
      const harness = create()
      await harness.judge(token())
      const before = network.requests.length
      expect(await harness.judge(token({}, { kid }))).toBe('rejected: unknown_key')
      expect(network.requests.length).toBe(before)
    })
  })

  describe('shape', () => {
    const part = 'A'.repeat(200)

    it.each([
      ['T12 padding', `${token()}=`, 'malformed_token'],
      ['T19 8193 characters', token({ pad: 'x'.repeat(9000) }).slice(0, 8193), 'token_too_long'],
      ['J47 five parts', [part, part, part, part, part].join('.'), 'malformed_token'],
      ['J20 an empty payload', signRaw({ alg: 'RS256', kid: 'k1' }, '', k1), 'payload_invalid'],
      ['J20 the payload []', signRaw({ alg: 'RS256', kid: 'k1' }, '[]', k1), 'payload_invalid'],
      ['J20 the payload null', signRaw({ alg: 'RS256', kid: 'k1' }, 'null', k1), 'payload_invalid'],
      ['J20 the payload "x"', signRaw({ alg: 'RS256', kid: 'k1' }, '"x"', k1), 'payload_invalid'],
      ['J20 the payload 1', signRaw({ alg: 'RS256', kid: 'k1' }, '1', k1), 'payload_invalid'],
    ])('refuses %s', async (_name, text, reason) => {
      expect(await judge(text)).toBe(`rejected: ${reason}`)
    })

    it('T19 does no signature work and no fetch for a token that is too long', async () => {
      const before = network.requests.length
      await judge(token({ pad: 'x'.repeat(9000) }))
      expect(network.requests.length).toBe(before)
    })

    it('J47 J48 decides garbage within 10 ms, without a fetch', async () => {
      const harness = create()
      const before = network.requests.length
      const garbage = [
        [part, part, part, part, part].join('.'),
        signRaw({ alg: 'PBES2-HS256+A128KW', p2c: 2147483647 }, claims, k1),
      ]
      for (const text of garbage) {
        // The fastest of five: the cost of the check, not of what else the machine does.
        const times: number[] = []
        for (let round = 0; round < 5; round += 1) {
          const start = performance.now()
          await harness.judge(text)
          times.push(performance.now() - start)
        }
        expect(Math.min(...times)).toBeLessThan(10)
      }
      expect(network.requests.length).toBe(before)
    })

    it('J54 accepts claims nested as deeply as a token can hold', async () => {
      const depth = 2400
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`
      const payload = JSON.stringify(claims).replace(/}$/, `,"deep":${nested}}`)
      const text = signRaw({ alg: 'RS256', kid: 'k1' }, payload, k1)
      expect(text.length).toBeLessThanOrEqual(8192)
      const start = performance.now()
      expect(await judge(text)).toBe('accepted')
      expect(performance.now() - start).toBeLessThan(200)
    })

    it('J54 refuses a header of 100,000 nested arrays without a RangeError', async () => {
      const header = `{"alg":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
      expect(await judge(signRaw(header, claims, k1))).toBe('rejected: token_too_long')
    })
  })

  describe('audience', () => {
    it.each([
      ['missing', undefined, 'audience_missing'],
      ['another server', 'https://other.test/mcp', 'audience_mismatch'],
      ['an empty list', [], 'audience_invalid'],
      ['a prefix', 'https://mcp.test/mc', 'audience_mismatch'],
      ['a slash more', `${RESOURCE}/`, 'audience_mismatch'],
      ['another case', 'https://mcp.test/MCP', 'audience_mismatch'],
      ['a list in one text', `https://other.test ${RESOURCE}`, 'audience_mismatch'],
      ['a number', 1, 'audience_invalid'],
      ['an object', { [RESOURCE]: true }, 'audience_invalid'],
      ['a nested list', [[RESOURCE]], 'audience_invalid'],
      ['a list with a number', [RESOURCE, 1], 'audience_invalid'],
      ['null', null, 'audience_invalid'],
      ['empty', '', 'audience_mismatch'],
    ])('J23 refuses aud: %s', async (_name, aud, reason) => {
      expect(await judge(token({ aud }))).toBe(`rejected: ${reason}`)
    })

    it('J25 accepts a list that holds ours among others', async () => {
      expect(await judge(token({ aud: ['https://other.test', RESOURCE] }))).toBe('accepted')
    })

    it('J26 refuses the origin when the resource has a path', async () => {
      expect(await judge(token({ aud: 'https://mcp.test' }))).toBe('rejected: audience_mismatch')
    })

    it.each(['https://mcp.test/mcp2', 'https://mcp.test/mcp?x', 'https://mcp.test:443/mcp'])(
      'J27 refuses %s',
      async (aud) => {
        expect(await judge(token({ aud }))).toBe('rejected: audience_mismatch')
      },
    )

    it('J27 refuses at one resource the token for its sibling, by default and when both are listed', async () => {
      const sibling = 'https://mcp.test/mcp2'
      for (const options of [{}, { audience: [RESOURCE, sibling] }]) {
        const harness = create(options, [RESOURCE, sibling])
        expect(await harness.judge(token({ aud: sibling }), sibling)).toBe('accepted')
        expect(await harness.judge(token({ aud: sibling }), RESOURCE)).toBe(
          'rejected: audience_mismatch',
        )
      }
    })

    it('takes a configured audience instead of the resource identifier', async () => {
      const harness = create({ audience: 'api://coda' })
      const verdict = await harness.validate(token({ aud: 'api://coda' }))
      expect(verdict).toMatchObject({ kind: 'accepted', resource: undefined })
      expect(await harness.judge(token())).toBe('rejected: audience_mismatch')
    })
  })

  describe('issuer', () => {
    it.each([
      ['missing', undefined],
      ['another', 'https://evil.test'],
      ['a slash more', `${ISSUER}/`],
      ['another case', 'https://AS.test'],
      ['a list', [ISSUER, 'https://evil.test']],
      ['a number', 1],
    ])('J28 refuses iss: %s', async (_name, iss) => {
      expect(await judge(token({ iss }))).toBe('rejected: issuer_mismatch')
    })

    it("J29 refuses a token that is signed by another issuer's key of the same kid", async () => {
      const other = attach(
        jwt({ issuer: 'https://b.test', jwks: keySetOf(stranger), now: clock.now }),
        clock,
      )
      expect(await other.judge(token({ iss: 'https://b.test' }, {}, stranger))).toBe('accepted')
      expect(await judge(token({}, {}, stranger))).toBe('rejected: bad_signature')
      expect(await other.judge(token({ iss: 'https://b.test' }))).toBe('rejected: bad_signature')
    })
  })

  describe('times', () => {
    const day = 24 * 60 * 60

    it.each<[string, Record<string, unknown>, string]>([
      ['J32 no exp', { exp: undefined }, 'exp_missing'],
      ['J32 exp as text', { exp: String(now + 60) }, 'exp_invalid'],
      ['J32 exp null', { exp: null }, 'exp_invalid'],
      ['J32 exp true', { exp: true }, 'exp_invalid'],
      ['J32 exp 0', { exp: 0 }, 'exp_invalid'],
      ['J32 exp -1', { exp: -1 }, 'exp_invalid'],
      ['J32 exp 11 s ago', { exp: now - 11 }, 'token_expired'],
      ['J32 exp exactly 10 s ago', { exp: now - 10 }, 'token_expired'],
      ['exp in 31 days and 11 s', { exp: now + 31 * day + 11 }, 'lifetime_too_long'],
      ['J34 nbf in 60 s', { nbf: now + 60 }, 'not_yet_valid'],
      ['J34 nbf as text', { nbf: String(now) }, 'nbf_invalid'],
      ['nbf in 11 s', { nbf: now + 11 }, 'not_yet_valid'],
      ['J35 iat in an hour', { iat: now + 3600, exp: now + 7200 }, 'iat_in_future'],
      ['J35 iat after exp', { iat: now + 6, exp: now + 5 }, 'iat_after_exp'],
      ['iat in 11 s', { iat: now + 11 }, 'iat_in_future'],
      ['iat as text', { iat: String(now) }, 'iat_invalid'],
    ])('refuses %s', async (_name, changes, reason) => {
      expect(await judge(token(changes))).toBe(`rejected: ${reason}`)
    })

    it('J32 refuses a number that JSON turns into infinity', async () => {
      const payload = JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')
      expect(await judge(signRaw({ alg: 'RS256', kid: 'k1' }, payload, k1))).toBe(
        'rejected: exp_invalid',
      )
    })

    it.each<[string, Record<string, unknown>]>([
      ['J32 exp 9 s ago', { exp: now - 9 }],
      ['exp in 31 days', { exp: now + 31 * day }],
      ['J34 nbf in 5 s', { nbf: now + 5 }],
      ['nbf in 10 s', { nbf: now + 10 }],
      ['iat in 10 s', { iat: now + 10 }],
      ['no iat and no nbf', { iat: undefined }],
    ])('accepts %s', async (_name, changes) => {
      expect(await judge(token(changes))).toBe('accepted')
    })

    it('takes tolerance and lifetime from the options', async () => {
      const late = token({ exp: now - 200, iat: now - 300 })
      expect(await judge(late, { clockTolerance: 201 })).toBe('accepted')
      expect(await judge(late, { clockTolerance: 200 })).toBe('rejected: token_expired')
      expect(await judge(token(), { maxTokenLifetime: 3589 })).toBe('rejected: lifetime_too_long')
      expect(await judge(token(), { maxTokenLifetime: 3590 })).toBe('accepted')
    })
  })

  describe('other claims', () => {
    it.each<[string, Record<string, unknown>, string]>([
      ['J42 no sub', { sub: undefined }, 'subject_missing'],
      ['J42 an empty sub', { sub: '' }, 'subject_missing'],
      ['a sub that is a number', { sub: 1 }, 'subject_invalid'],
      ['J22 a sub with NUL', { sub: 'a\0b' }, 'subject_invalid'],
      ['J22 a sub with a line break', { sub: 'a\nb' }, 'subject_invalid'],
      ['J22 a sub with a bidi override', { sub: 'a\u202eb' }, 'subject_invalid'],
      ['J22 a sub with a lone surrogate', { sub: 'a\ud800b' }, 'subject_invalid'],
      ['J22 a sub of 1025 characters', { sub: 'x'.repeat(1025) }, 'subject_invalid'],
      ['J58 a jti that is a number', { jti: 1 }, 'jti_invalid'],
      ['J58 a jti of 257 characters', { jti: 'x'.repeat(257) }, 'jti_invalid'],
      ['an empty jti', { jti: '' }, 'jti_invalid'],
      ['T27 a DPoP-bound token', { cnf: { jkt: 'x' } }, 'sender_constrained'],
      ['T27 a certificate-bound token', { cnf: { 'x5t#S256': 'x' } }, 'sender_constrained'],
      ['J38 an ID token by nonce', { nonce: 'x' }, 'id_token'],
      ['J38 an ID token by at_hash', { at_hash: 'x' }, 'id_token'],
      ['J38 an ID token by c_hash', { c_hash: 'x' }, 'id_token'],
      ['a client_id that is a list', { client_id: ['a'] }, 'client_id_invalid'],
      ['a client_id with a line break', { client_id: 'a\nb' }, 'client_id_invalid'],
      ['a scope that is an object', { scope: {} }, 'scope_invalid'],
      ['a scope list with a number', { scope: ['a', 1] }, 'scope_invalid'],
    ])('refuses %s', async (_name, changes, reason) => {
      expect(await judge(token(changes))).toBe(`rejected: ${reason}`)
    })

    it.each<[string, Record<string, unknown>]>([
      ['a sub of 1024 characters', { sub: 'x'.repeat(1024) }],
      ['J22 a sub beyond ASCII', { sub: 'Ännchen 😀' }],
      ['J58 a jti of 256 characters', { jti: 'x'.repeat(256) }],
      ['no jti', { jti: undefined }],
      ['no client', { client_id: undefined }],
      ['no scope', { scope: undefined }],
    ])('accepts %s', async (_name, changes) => {
      expect(await judge(token(changes))).toBe('accepted')
    })

    it('J38 refuses an ID token by its audience already', async () => {
      const idToken = token({ aud: 'client-1', nonce: 'n', at_hash: 'h' }, { typ: 'JWT' })
      expect(await judge(idToken)).toBe('rejected: audience_mismatch')
    })

    it('J44 keeps scopes apart at blanks only and drops what is no scope', async () => {
      const scopesOf = async (scope: unknown, options?: Partial<JwtOptions>) => {
        const verdict = await create(options).validate(token({ scope }))
        return verdict.kind === 'accepted' ? verdict.principal.scopes : verdict.kind
      }
      expect(await scopesOf('readonly read:all xread')).toEqual(['readonly', 'read:all', 'xread'])
      expect(await scopesOf('a  b a')).toEqual(['a', 'b'])
      expect(await scopesOf('a\tb c\nd ok')).toEqual(['ok'])
      expect(await scopesOf(['a', 'b c', '"'])).toEqual(['a'])
      expect(await scopesOf('')).toEqual([])
      expect(await scopesOf('ignored', { grantScopes: () => ['granted'] })).toEqual(['granted'])
    })

    it.each(['iat', 'jti', 'client_id', 'sub'])('J36 rfc9068 requires %s', async (name) => {
      const options: Partial<JwtOptions> = { profile: 'rfc9068' }
      expect(await judge(token(), options)).toBe('accepted')
      expect(await judge(token({ [name]: undefined }), options)).toBe(
        `rejected: ${name === 'sub' ? 'subject_missing' : 'claim_missing'}`,
      )
    })

    it('J36 rfc9068 requires typ at+jwt', async () => {
      const options: Partial<JwtOptions> = { profile: 'rfc9068' }
      expect(await judge(token({}, { typ: 'JWT' }), options)).toBe('rejected: typ_not_allowed')
    })

    it('J55 answers forbidden for another client, but only to a verified token', async () => {
      const options = { clientIds: ['client-1'] }
      expect(await judge(token(), options)).toBe('accepted')
      expect(await judge(token({ client_id: 'client-2' }), options)).toBe(
        'forbidden: client_not_listed',
      )
      expect(await judge(token({ client_id: undefined }), options)).toBe(
        'forbidden: client_not_listed',
      )
      expect(await judge(token({ client_id: 'client-2' }, {}, stranger), options)).toBe(
        'rejected: bad_signature',
      )
    })

    it('requires further claims with a value', async () => {
      const options = { requireClaims: ['tenant'] }
      expect(await judge(token({ tenant: 't' }), options)).toBe('accepted')
      expect(await judge(token({ tenant: '' }), options)).toBe('rejected: claim_missing')
      expect(await judge(token({ tenant: null }), options)).toBe('rejected: claim_missing')
      // A name that every object inherits is not a claim.
      expect(await judge(token(), { requireClaims: ['toString'] })).toBe('rejected: claim_missing')
    })

    it('tells services by the subject that is the client', async () => {
      const verdict = await create().validate(token({ sub: 'client-1' }))
      expect(verdict).toMatchObject({ principal: { kind: 'service' } })
    })

    it('ignores optional claims of the wrong shape', async () => {
      const verdict = await create().validate(
        token({ email: ['a@b.c'], email_verified: 'true', name: 'a\nb' }),
      )
      expect(verdict).toMatchObject({
        principal: { email: undefined, emailVerified: false, name: undefined },
      })
    })
  })

  describe('signature', () => {
    const good = token({}, {}, e1)
    const input = good.slice(0, good.lastIndexOf('.'))
    const raw = Buffer.from(good.slice(input.length + 1), 'base64url')
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
    const half = raw.subarray(0, 32)
    const flipped = Buffer.from(raw)
    flipped[40] = (flipped[40] ?? 0) ^ 1
    const der = Buffer.concat([
      Buffer.from('3045022100', 'hex'),
      half,
      Buffer.from('0220', 'hex'),
      raw.subarray(32),
    ])

    it.each([
      ['64 zero bytes', Buffer.alloc(64)],
      ['r = n', Buffer.concat([Buffer.from(order, 'hex'), raw.subarray(32)])],
      ['s = n', Buffer.concat([half, Buffer.from(order, 'hex')])],
      ['DER', der],
      ['one byte less', raw.subarray(0, 63)],
      ['one byte more', Buffer.concat([raw, Buffer.alloc(1)])],
      ['one bit flipped', flipped],
    ])('J50 refuses an ES256 signature of %s', async (_name, signature) => {
      expect(await judge(good)).toBe('accepted')
      expect(await judge(`${input}.${signature.toString('base64url')}`)).toBe(
        'rejected: bad_signature',
      )
    })

    it.each(['RS512', 'PS256', 'RS384'])('J51 refuses %s by the right key', async (alg) => {
      const text = signRaw({ alg, kid: 'k1', typ: 'at+jwt' }, claims, k1, alg)
      expect(await judge(text)).toBe('rejected: alg_not_allowed')
    })

    it('K18 refuses RS384 by a key that names RS256, even when both are allowed', async () => {
      const text = signRaw({ alg: 'RS384', kid: 'k1' }, claims, k1, 'RS384')
      const algorithms = ['RS256', 'RS384'] as const
      expect(await judge(text, { algorithms })).toBe('rejected: key_alg_mismatch')
      const unnamed = { keys: [{ ...k1.jwk, alg: undefined }] }
      expect(await judge(text, { algorithms, jwks: unnamed })).toBe('accepted')
    })

    it('K16 tries every key of a repeated kid, and all that fit when there is none', async () => {
      const jwks = keySetOf(stranger, k1)
      expect(await judge(token(), { jwks })).toBe('accepted')
      expect(await judge(token({}, { kid: undefined }), { jwks })).toBe('accepted')
      const fifth = keySetOf(
        ...['a', 'b', 'c', 'd'].map((kid) => createSigningKey('ES256', kid)),
        e1,
      )
      expect(await judge(token({}, { kid: undefined }, e1), { jwks: fifth })).toBe(
        'rejected: bad_signature',
      )
    })

    it('J53 uses the good keys of a set with bad ones and reports those', async () => {
      const small = createSigningKey('RS256', 'small', 1024)
      const bad = { ...createSigningKey('RS256', 'e3').jwk, e: 'Aw' }
      const url = 'https://as.test/mixed'
      network.answers.set(url, { keys: [small.jwk, bad, k1.jwk] })
      const harness = create({ jwksUri: url })
      expect(await harness.judge(token())).toBe('accepted')
      expect(await harness.judge(token({}, {}, small))).toBe('rejected: unknown_key')
      const unusable = harness.incidents.filter(({ kind }) => kind === 'key-unusable')
      expect(unusable).toMatchObject([
        { validator: 'jwt', issuer: ISSUER, reason: 'modulus_size' },
        { validator: 'jwt', issuer: ISSUER, reason: 'exponent' },
      ])
    })

    it('accepts a key that was replaced under its kid, after one fetch', async () => {
      const url = 'https://as.test/rotating'
      const own = createClock()
      network.answers.set(url, keySetOf(stranger))
      const harness = attach(
        jwt({ issuer: ISSUER, jwksUri: url, fetch: network.fetch, now: own.now }),
        own,
      )
      expect(await harness.judge(token())).toBe('rejected: bad_signature')
      network.answers.set(url, keySetOf(k1))
      expect(await harness.judge(token())).toBe('rejected: bad_signature')
      own.advance(30)
      expect(await harness.judge(token())).toBe('accepted')
    })
  })

  describe('outages', () => {
    it('K05 is unavailable, not rejected, while no key can be fetched', async () => {
      const harness = create({ jwksUri: 'https://as.test/missing' })
      expect(await harness.validate(token())).toEqual({
        kind: 'unavailable',
        retryAfterSeconds: 1,
        reason: 'http_status',
      })
      expect(harness.incidents).toEqual([
        { kind: 'keys-unavailable', validator: 'jwt', issuer: ISSUER, reason: 'http_status' },
      ])
    })

    it('K05 still rejects what is wrong without looking at a key', async () => {
      const harness = create({ jwksUri: 'https://as.test/missing' })
      expect(await harness.judge(token({ aud: 'other' }))).toBe('rejected: audience_mismatch')
    })

    it('survives a host that throws while incidents are reported', async () => {
      const validator = jwt({ issuer: ISSUER, jwks: keySetOf(k1), now: clock.now })
      validator.attach?.({
        resources: [RESOURCE],
        report: () => {
          throw new Error('listener')
        },
      })
      const verdict = await validator.validate(token(), {
        resource: RESOURCE,
        digest: 'unused',
        now: clock.now(),
      })
      expect(verdict.kind).toBe('accepted')
    })
  })

  it('describes itself for selection and metadata', () => {
    const { validator } = create()
    expect(validator).toMatchObject({
      name: 'jwt',
      selects: { issuers: [ISSUER] },
      authorizationServers: [ISSUER],
      scopeSource: 'token',
      resourceBinding: 'audience',
    })
    expect(create({ grantScopes: () => [] }).validator.scopeSource).toBe('granted')
  })

  it('documents its reasons once each', () => {
    expect(new Set(JWT_REASONS).size).toBe(JWT_REASONS.length)
  })

  describe('options', () => {
    const base = { issuer: ISSUER, jwksUri: JWKS }
    const problemsOf = (options: unknown): string[] => {
      try {
        jwt(options as JwtOptions)
        return []
      } catch (error) {
        if (!isAuthError(error)) throw error
        expect(error.code).toBe('ERR_CONFIGURATION')
        return [...error.message.matchAll(/^ {2}([^:]+): ./gm)].map(([, path]) => path ?? '')
      }
    }

    it('accepts the least that is needed', () => {
      expect(problemsOf(base)).toEqual([])
    })

    it.each<[string, unknown, string]>([
      ['no options', undefined, '(options)'],
      ['P18 an issuer from an unset variable', { ...base, issuer: undefined }, 'issuer'],
      ['an empty issuer', { ...base, issuer: '' }, 'issuer'],
      ['P18 an audience from an unset variable', { ...base, audience: undefined }, 'audience'],
      ['P18 an empty audience', { ...base, audience: '' }, 'audience'],
      ['P18 no audience in the list', { ...base, audience: [] }, 'audience'],
      ['P18 audience null', { ...base, audience: null }, 'audience'],
      ['P18 an empty audience in the list', { ...base, audience: [''] }, 'audience[0]'],
      ['P18 a misspelt key', { ...base, audiance: 'x' }, 'audiance'],
      [
        'P18 tolerance Infinity',
        { ...base, clockTolerance: Number.POSITIVE_INFINITY },
        'clockTolerance',
      ],
      ['P18 tolerance NaN', { ...base, clockTolerance: Number.NaN }, 'clockTolerance'],
      ['P18 tolerance -1', { ...base, clockTolerance: -1 }, 'clockTolerance'],
      ['tolerance 301', { ...base, clockTolerance: 301 }, 'clockTolerance'],
      [
        'a lifetime beyond 31 days',
        { ...base, maxTokenLifetime: 31 * 86_400 + 1 },
        'maxTokenLifetime',
      ],
      ['clients from an unset variable', { ...base, clientIds: undefined }, 'clientIds'],
      ['no clients in the list', { ...base, clientIds: [] }, 'clientIds'],
      ['J06 a symmetric algorithm', { ...base, algorithms: ['HS256'] }, 'algorithms[0]'],
      ['J01 alg none', { ...base, algorithms: ['none'] }, 'algorithms[0]'],
      ['no algorithm', { ...base, algorithms: [] }, 'algorithms'],
      ['K19 http', { ...base, jwksUri: 'http://as.test/jwks' }, 'jwksUri'],
      ['K19 a file', { ...base, jwksUri: 'file:///etc/passwd' }, 'jwksUri'],
      ['K19 userinfo', { ...base, jwksUri: 'https://a:b@as.test/jwks' }, 'jwksUri'],
      ['neither URL nor keys', { issuer: ISSUER }, 'jwksUri'],
      ['URL and keys', { ...base, jwks: keySetOf(k1) }, 'jwksUri'],
      ['no keys in the set', { issuer: ISSUER, jwks: { keys: [] } }, 'jwks'],
      ['a private key', { issuer: ISSUER, jwks: { keys: [{ ...k1.jwk, d: 'x' }] } }, 'jwks'],
      [
        'J06 a symmetric key',
        { issuer: ISSUER, jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } },
        'jwks',
      ],
      ['typ beside a profile', { ...base, profile: 'rfc9068', typ: ['JWT'] }, 'typ'],
      ['fetch that is no function', { ...base, fetch: 'x' }, 'fetch'],
    ])('refuses %s', (_name, options, path) => {
      expect(problemsOf(options)).toEqual([path])
    })

    it('lists every bad field at once', () => {
      const options = { issuer: '', jwksUri: 'x', audiance: 1 }
      expect(problemsOf(options)).toEqual(['issuer', 'jwksUri', 'audiance'])
    })

    it('has no option that accepts HS256 or skips a check', () => {
      for (const name of ['secret', 'dangerouslySkipAudience', 'ignoreExpiration']) {
        expect(problemsOf({ ...base, [name]: true })).toEqual([name])
      }
    })
  })
})
