import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import { ConfigurationError } from '../../src/errors.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { localBearer } from '../../src/validators/local-bearer.js'
import {
  assertAccepted,
  assertContract,
  assertRefusedInFront,
  collect,
  describeReasonCodes,
  probe,
} from './contract.js'
import { HOST_KINDS, isFetchHost, useHost } from './hosts.js'
import { formatRequest, openConnection, sendRaw } from './raw-http.js'
import type { Scenario } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

const RESOURCE = 'https://mcp.test/mcp'
const TEAM_ISSUER = 'https://acme.cloudflareaccess.com'
const ASSERTION = 'Cf-Access-Jwt-Assertion'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const sentBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

let issuer: TestIssuer
let stranger: TestIssuer
let good: string
let other: string

beforeAll(async () => {
  issuer = createTestIssuer({ audience: RESOURCE, scopes: ['read'], subject: 'ann' })
  stranger = createTestIssuer({ audience: RESOURCE, scopes: ['read'] })
  await Promise.all([issuer.listen(), stranger.listen()])
  good = await issuer.token()
  other = await issuer.token({ sub: 'bob' })
})
afterAll(async () => {
  await stopWorkers()
  await Promise.all([issuer.close(), stranger.close()])
})

/** The header fields of a request with one `Authorization` line, byte for byte. */
const line = (value: string) => ({ headers: [['Authorization', value]] as const })
const jwtSpec = () =>
  ({ kind: 'jwt', options: { issuer: issuer.issuer, jwksUri: issuer.jwksUri } }) as const

describe.each(HOST_KINDS)('the Authorization line on %s', (kind) => {
  const host = useHost(kind, () => ({
    options: { resource: RESOURCE, scopes: { required: ['read'] } },
    validators: [jwtSpec()],
  }))
  const secrets = (): string[] => [good, good.slice(-40), good.slice(40, 90)]

  it('T01 challenges a request without credentials, without an error code', async () => {
    assertContract(await probe(host(), {}), 'BARE', { reason: 'no_credential' })
  })

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('T01 does so for %s', async (method) => {
    assertContract(await probe(host(), { method }), 'BARE')
  })

  it('T01 does so for HEAD, without a body', async () => {
    assertContract(await probe(host(), { method: 'HEAD' }), 'BARE', { body: false })
  })

  it.each(['Basic YTpi', 'Digest x', 'Negotiate', 'Bearerx abc', 'Bear er', 'xBearer abc', ''])(
    'T02 counts another scheme as no credential: %j',
    async (value) => {
      assertContract(await probe(host(), line(value)), 'BARE', { reason: 'no_credential' })
    },
  )

  it('T02 does not read a token that another scheme carries', async () => {
    assertContract(await probe(host(), line(`Basic ${good}`)), 'BARE', { secrets: secrets() })
  })

  it.each(['bearer', 'BEARER', 'bEaReR'])('T03 accepts the scheme as %s', async (scheme) => {
    const echo = assertAccepted(await probe(host(), line(`${scheme} ${good}`)))
    expect(echo.caller).toMatchObject({ issuer: issuer.issuer, subject: 'ann', scopes: ['read'] })
  })

  it('T03 accepts any case of the field name, and several blanks', async () => {
    const headers = [['aUTHORIZATION', `Bearer   ${good}`]] as const
    assertAccepted(await probe(host(), { headers }))
  })

  it.each(['Bearer', 'Bearer ', 'Bearer   '])('T04 refuses an empty token: %j', async (value) => {
    assertContract(await probe(host(), line(value)), 'MAL', { reason: 'authorization_malformed' })
  })

  it.each([
    ['tab', '\t'],
    ['no-break space', '\xa0'],
    ['blank and tab', ' \t'],
    ['form feed', '\x0c'],
    ['vertical tab', '\x0b'],
  ])('T06 refuses a %s between scheme and token', async (_name, blank) => {
    const exchange = await probe(host(), line(`Bearer${blank}${good}`))
    // A server may refuse the control characters itself.
    if (exchange.response.status === 400 || exchange.response.status === 500) {
      assertRefusedInFront(exchange)
    } else assertContract(exchange, 'MAL', { secrets: secrets() })
  })

  it.each([' extra', ' ,', ';', ' =', '\t x', '%20'])(
    'T07 rejects a token followed by junk: %j',
    async (junk) => {
      const exchange = await probe(host(), line(`Bearer ${good}${junk}`))
      assertContract(exchange, exchange.response.status === 400 ? 'MAL_400' : 'MAL', {
        secrets: secrets(),
      })
    },
  )

  it.each([
    ['good, bad', () => [good, 'bad']],
    ['bad, good', () => ['bad', good]],
    ['good, good', () => [good, good]],
    ['ann, bob', () => [good, other]],
  ])('T09 refuses two Authorization fields: %s', async (_name, tokens) => {
    const headers = tokens().map((token) => ['Authorization', `Bearer ${token}`] as const)
    assertContract(await probe(host(), { headers }), 'MAL_400', {
      reason: 'authorization_repeated',
      secrets: secrets(),
    })
  })

  it.each([
    ['Basic first', () => ['Basic YTpi', `Bearer ${good}`]],
    ['Basic second', () => [`Bearer ${good}`, 'Basic YTpi']],
    ['empty first', () => ['', `Bearer ${good}`]],
    ['empty second', () => [`Bearer ${good}`, '']],
  ])('T09 never accepts one of two Authorization fields: %s', async (name, values) => {
    const headers = values().map((value) => ['Authorization', value] as const)
    const exchange = await probe(host(), { headers })
    // The Workers runtime drops the empty field, so that one is left.
    const dropped = kind === 'workers' && name.startsWith('empty')
    // Where the server merges fields, a leading `Basic` cannot be told from a Basic credential.
    if (dropped) expect(exchange.calls.length).toBeLessThanOrEqual(1)
    else if (exchange.response.status === 400) assertContract(exchange, 'MAL_400')
    else if (exchange.events[0]?.outcome === 'malformed') assertContract(exchange, 'MAL')
    else assertContract(exchange, 'BARE')
  })

  it('T09 refuses two tokens in one field', async () => {
    const exchange = await probe(host(), line(`Bearer ${good}, Bearer ${other}`))
    assertContract(exchange, 'MAL_400', { secrets: secrets() })
  })

  it.each([
    ['quoted', () => `Bearer "${good}"`, 'MAL'],
    ['joined by =', () => `Bearer=${good}`, 'MAL'],
    ['as a parameter', () => `Bearer token=${good}`, 'MAL'],
    ['another scheme', () => `Token ${good}`, 'BARE'],
    ['no scheme', () => good, 'BARE'],
  ] as const)('T11 refuses a token that is %s', async (_name, value, outcome) => {
    assertContract(await probe(host(), line(value())), outcome, { secrets: secrets() })
  })

  it.each(['=', '==', '===='])('T12 rejects a token padded by %s', async (padding) => {
    const exchange = await probe(host(), line(`Bearer ${good}${padding}`))
    assertContract(exchange, 'TOK', { secrets: secrets() })
  })

  it.each(['access_token', 'access%5Ftoken', '%61ccess_token'])(
    'T15 does not read a token from the query as %s',
    async (name) => {
      const exchange = await probe(host(), { method: 'GET', target: `/mcp?${name}=${good}` })
      assertContract(exchange, 'BARE', { secrets: secrets() })
    },
  )

  it.each(['access_token=x', 'a=b&access_token=', 'access%5Ftoken=x', 'access_token'])(
    'T16 refuses a second method beside the header: ?%s',
    async (query) => {
      const exchange = await probe(host(), { ...line(`Bearer ${good}`), target: `/mcp?${query}` })
      assertContract(exchange, 'MAL_400', { reason: 'two_methods', secrets: secrets() })
    },
  )

  it('T16 leaves other query parameters alone', async () => {
    assertAccepted(await probe(host(), { ...line(`Bearer ${good}`), target: '/mcp?token=x' }))
  })

  it('T17 does not read a token from a form body', async () => {
    const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const
    const exchange = await probe(host(), { headers, body: `access_token=${good}` })
    assertContract(exchange, 'BARE', { secrets: secrets() })
  })

  it('T17 leaves a form body readable for the handler', async () => {
    const body = 'a=1&b=2'
    const headers = [
      ['Authorization', `Bearer ${good}`],
      ['Content-Type', 'application/x-www-form-urlencoded'],
    ] as const
    expect(assertAccepted(await probe(host(), { headers, body })).sha256).toBe(sha256(body))
  })

  it('T19 refuses 8,193 characters without asking for a key', async () => {
    const fetches = issuer.requests('jwks')
    const long = `${good.split('.').slice(0, 2).join('.')}.`.padEnd(8193, 'A')
    const exchange = await probe(host(), line(`Bearer ${long}`))
    assertContract(exchange, 'TOK', { reason: 'credential_too_long', secrets: secrets() })
    expect(issuer.requests('jwks')).toBe(fetches)
  })

  it('T19 judges 8,192 characters by their content', async () => {
    const exchange = await probe(host(), line(`Bearer ${'A'.repeat(8192)}`))
    assertContract(exchange, 'TOK', { reason: 'issuer_unknown' })
  })

  it('T20 survives a header of 17 KB and serves the next request', async () => {
    const exchange = await probe(host(), line(`Bearer ${'A'.repeat(17 * 1024)}`))
    if (exchange.response.status === 401) {
      assertContract(exchange, 'TOK', { reason: 'credential_too_long' })
    } else {
      assertRefusedInFront(exchange)
      expect(exchange.response.status).toBe(431)
    }
    assertAccepted(await probe(host(), line(`Bearer ${good}`)))
  })

  it.each([
    ['4,000 dots only', '.'.repeat(4000)],
    ['8,192 characters with 4,000 dots', '.A'.repeat(4000).padEnd(8192, 'A')],
    ['8,192 equals signs behind one letter', `A${'='.repeat(8191)}`],
  ])('T21 refuses %s', async (_name, token) => {
    assertContract(await probe(host(), line(`Bearer ${token}`)), 'TOK', { secrets: [token] })
  })

  it.each(['a"b\\c', '<script>alert(1)</script>', 'a,b', "' OR 1=1", '{jndi:x}', 'a%00b'])(
    'T22 refuses and does not echo %j',
    async (junk) => {
      const exchange = await probe(host(), line(`Bearer ${junk}`))
      assertContract(exchange, exchange.response.status === 400 ? 'MAL_400' : 'MAL', {
        secrets: junk === 'a,b' ? [] : [junk],
      })
    },
  )

  it.each([
    ['bytes that are no UTF-8', 'Bearer \xff\xfe'],
    ['an emoji', `Bearer ${sentBytes('😀')}`],
    ['a full-width letter', `Bearer ${sentBytes('ａbc')}`],
    ['a high byte at the end', 'Bearer abc\xff'],
  ])('T23 refuses %s and does not throw', async (_name, value) => {
    assertContract(await probe(host(), line(value)), 'MAL', { secrets: [value.slice(7)] })
  })

  it.each([
    ['a line feed', () => `Bearer ${good.slice(0, 50)}\n${good.slice(50)}`],
    ['a NUL', () => `Bearer ${good}\0`],
    ['a NUL before the token', () => `Bearer \0${good}`],
    ['a carriage return', () => `Bearer ${good.slice(0, 50)}\r${good.slice(50)}`],
  ])('T25 %s never reaches the guard as a good token', async (_name, value) => {
    assertRefusedInFront(await probe(host(), line(value())))
  })

  it('T25 a folded field never makes a good token of two halves', async () => {
    const folded = `Bearer ${good.slice(0, 50)}\r\n ${good.slice(50)}`
    const exchange = await probe(host(), line(folded))
    if (exchange.events.length > 0) assertContract(exchange, 'MAL', { secrets: secrets() })
    else assertRefusedInFront(exchange)
  })

  it('T26 counts DPoP as no credential while it is not enabled', async () => {
    const headers = [
      ['Authorization', `DPoP ${good}`],
      ['DPoP', 'eyJ.eyJ.sig'],
    ] as const
    assertContract(await probe(host(), { headers }), 'BARE', { secrets: secrets() })
  })

  it.each([{ jkt: 'x' }, { 'x5t#S256': 'x' }, { jwk: {} }, {}])(
    'T27 rejects a sender-constrained token sent as Bearer: cnf %j',
    async (cnf) => {
      const exchange = await probe(host(), line(`Bearer ${await issuer.token({ cnf })}`))
      assertContract(exchange, 'TOK', { reason: 'sender_constrained' })
    },
  )

  it('T28 answers a preflight without a token', async () => {
    const headers = [
      ['Origin', 'https://app.test'],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'authorization,mcp-param-x'],
    ] as const
    const { response, calls, events } = await probe(host(), { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.header('access-control-allow-origin')).toBe('*')
    expect(response.header('access-control-allow-headers')).toContain('mcp-param-x')
    expect(response.header('www-authenticate')).toBeUndefined()
    expect([calls, events]).toEqual([[], []])
  })

  it.each([
    ['without Origin', [['Access-Control-Request-Method', 'POST']]],
    ['without a requested method', [['Origin', 'https://app.test']]],
    ['with neither', []],
  ] as const)('T28 an OPTIONS request %s is no preflight', async (_name, headers) => {
    assertContract(await probe(host(), { method: 'OPTIONS', headers }), 'BARE')
  })

  it('T28 the fields of a preflight open nothing for another method', async () => {
    const headers = [
      ['Origin', 'https://app.test'],
      ['Access-Control-Request-Method', 'POST'],
    ] as const
    assertContract(await probe(host(), { method: 'POST', headers }), 'BARE')
  })

  it.each([
    '/MCP',
    '/mcp/',
    '/%6dcp',
    '//mcp',
    '/mcp%2f',
    '/./mcp',
    '/x/../mcp',
    '/mcp;a',
    '/mcp?',
    '/mcp%00',
    '/mcp/%2e%2e/mcp',
    '/mcp\\',
    '/',
    '/other',
    '*',
    '/mcp#x',
  ])('T30 no spelling of a path is open: %s', async (target) => {
    const exchange = await probe(host(), { method: target === '*' ? 'OPTIONS' : 'POST', target })
    // Fetch hosts cannot make a URL of each of these; their server refuses them.
    if (isFetchHost(kind) && exchange.events.length === 0) assertRefusedInFront(exchange)
    else assertContract(exchange, 'BARE')
  })

  it('T46 carries nothing from one pipelined request to the next', async () => {
    await host().take()
    const connection = await openConnection(host().port)
    await connection.write(
      Buffer.concat([
        formatRequest({ method: 'GET', ...line(`Bearer ${good}`) }),
        formatRequest({ method: 'GET' }),
        formatRequest({ method: 'GET', ...line(`Bearer ${other}`) }),
      ]),
    )
    const first = await connection.read()
    const second = await connection.read()
    const third = await connection.read()
    connection.destroy()
    expect([first.status, second.status, third.status]).toEqual([200, 401, 200])
    expect(second.header('www-authenticate')).not.toContain('error')
    expect(JSON.parse(first.text).caller.subject).toBe('ann')
    expect(JSON.parse(third.text).caller.subject).toBe('bob')
    const { calls } = await host().take()
    expect(calls.map(({ caller }) => caller?.subject)).toEqual(['ann', 'bob'])
  })
})

describe.each(HOST_KINDS)('a Cloudflare Access assertion on %s', (kind) => {
  const scenario = (options: { cookie?: boolean; edgeOAuth?: boolean }): Scenario => ({
    options: { resource: RESOURCE, authorizationServers: [issuer.issuer] },
    validators: [
      jwtSpec(),
      {
        kind: 'cloudflare',
        options: { team: 'acme', audience: ['aud-ours'], ...options },
        certs: issuer.jwksUri,
      },
    ],
  })
  const assertion = (claims: Record<string, unknown> = {}, from: TestIssuer = issuer) =>
    from.token(
      { iss: TEAM_ISSUER, aud: 'aud-ours', type: 'app', email: 'ann@corp.test', ...claims },
      { header: { typ: 'JWT' } },
    )

  describe('read from its header', () => {
    const host = useHost(kind, () => scenario({}))

    it('T32 ignores the e-mail header, which anyone can send', async () => {
      const headers = [
        ['Cf-Access-Authenticated-User-Email', 'admin@corp.test'],
        ['Cf-Access-Jwt-Assertion', ''],
      ] as const
      assertContract(await probe(host(), { headers }), 'BARE', { secrets: ['admin@corp.test'] })
    })

    it('accepts a good assertion of this application', async () => {
      const headers = [[ASSERTION, await assertion({ sub: 'carol' })]] as const
      const echo = assertAccepted(await probe(host(), { headers }))
      expect(echo.caller).toMatchObject({ issuer: TEAM_ISSUER, subject: 'carol' })
    })

    it('T33 rejects an assertion signed by a stranger with a like kid', async () => {
      const headers = [[ASSERTION, await assertion({}, stranger)]] as const
      assertContract(await probe(host(), { headers }), 'TOK')
    })

    it.each([
      ['another application', { aud: 'aud-other' }],
      ['a prefix of ours', { aud: 'aud-our' }],
      ['the session token of the team', { type: 'org' }],
    ])('T34 rejects an assertion for %s', async (_name, claims) => {
      assertContract(
        await probe(host(), { headers: [[ASSERTION, await assertion(claims)]] }),
        'TOK',
      )
    })

    it('T36 does not read the cookie by default', async () => {
      const headers = [['Cookie', `CF_Authorization=${await assertion()}`]] as const
      assertContract(await probe(host(), { headers }), 'BARE')
    })

    it('T37 rejects the shape of a service token while none is enabled', async () => {
      const token = await assertion({ sub: '', common_name: 'bot.access', email: undefined })
      assertContract(await probe(host(), { headers: [[ASSERTION, token]] }), 'TOK', {
        reason: 'service_tokens_off',
      })
    })

    it('T40 refuses an assertion beside a Bearer token and merges nothing', async () => {
      const headers = [
        [ASSERTION, await assertion({ sub: 'carol' })],
        ['Authorization', `Bearer ${good}`],
      ] as const
      assertContract(await probe(host(), { headers }), 'MAL_400', { reason: 'two_methods' })
    })

    it('T40 refuses two assertions', async () => {
      const headers = [
        [ASSERTION, await assertion({ sub: 'carol' })],
        [ASSERTION, await assertion({ sub: 'dave' })],
      ] as const
      const exchange = await probe(host(), { headers })
      // A server that joins fields shows one text, which is no token.
      if (exchange.response.status === 400) {
        assertContract(exchange, 'MAL_400', { reason: 'credential_repeated' })
      } else assertContract(exchange, 'TOK')
    })

    it('an assertion sent as a Bearer token is not one', async () => {
      assertContract(await probe(host(), line(`Bearer ${await assertion()}`)), 'TOK')
    })

    it('a Bearer token in the header of the assertion is not one', async () => {
      assertContract(await probe(host(), { headers: [[ASSERTION, good]] }), 'TOK')
    })
  })

  describe('with the cookie enabled', () => {
    const host = useHost(kind, () => scenario({ cookie: true }))

    it('T36 reads the cookie when the header is absent', async () => {
      const headers = [
        ['Cookie', `a=1; CF_Authorization=${await assertion({ sub: 'carol' })}`],
      ] as const
      expect(assertAccepted(await probe(host(), { headers })).caller.subject).toBe('carol')
    })

    it('T36 reads the header only when both are there', async () => {
      const headers = [
        ['Cookie', `CF_Authorization=${await assertion({ sub: 'carol' })}`],
        [ASSERTION, await assertion({ sub: 'dave' })],
      ] as const
      expect(assertAccepted(await probe(host(), { headers })).caller.subject).toBe('dave')
    })

    it('T36 a bad header is not saved by a good cookie', async () => {
      const headers = [
        ['Cookie', `CF_Authorization=${await assertion()}`],
        [ASSERTION, 'not-a-token'],
      ] as const
      assertContract(await probe(host(), { headers }), 'TOK')
    })

    it('T40 reads neither of two cookies of the same name', async () => {
      const cookie = `CF_Authorization=${await assertion()}; CF_Authorization=${await assertion({ sub: 'x' })}`
      assertContract(await probe(host(), { headers: [['Cookie', cookie]] }), 'BARE')
    })

    it('C14 refuses a cookie that comes from another origin', async () => {
      const headers = [
        ['Cookie', `CF_Authorization=${await assertion()}`],
        ['Origin', 'https://evil.test'],
      ] as const
      assertContract(await probe(host(), { headers }), 'FORB', { reason: 'origin_not_allowed' })
    })
  })

  describe('with OAuth done by the edge', () => {
    const host = useHost(kind, () => scenario({ edgeOAuth: true }))

    it('T40 lets the assertion win, alone', async () => {
      const headers = [
        [ASSERTION, await assertion({ sub: 'carol' })],
        ['Authorization', `Bearer ${good}`],
      ] as const
      const { caller } = assertAccepted(await probe(host(), { headers }))
      expect(caller).toMatchObject({ issuer: TEAM_ISSUER, subject: 'carol' })
    })

    it('T40 a bad assertion is not saved by a good Bearer token, and gets no challenge', async () => {
      const headers = [
        [ASSERTION, await assertion({}, stranger)],
        ['Authorization', `Bearer ${good}`],
      ] as const
      const { response, calls } = await probe(host(), { headers })
      expect(response.status).toBe(401)
      expect(response.header('www-authenticate')).toBeUndefined()
      expect(calls).toEqual([])
    })

    it('still challenges a request that did not come through the edge', async () => {
      assertContract(await probe(host(), {}), 'BARE')
      assertContract(await probe(host(), line('Bearer nonsense')), 'TOK')
    })
  })
})

const TOKENS = Array.from({ length: 100 }, (_, index) => `local-Token-${index}-0123456789abcdef`)
const FIRST = TOKENS[0] ?? ''
const LAST = TOKENS.at(-1) ?? ''

describe.each(HOST_KINDS)('local tokens on %s', (kind) => {
  const host = useHost(kind, () => ({
    options: { resource: RESOURCE },
    validators: [
      {
        kind: 'local',
        tokens: Object.fromEntries(
          TOKENS.map((token, index) => [`service-${index}`, { digest: `sha256:${sha256(token)}` }]),
        ),
      },
    ],
  }))

  it('accepts the first and the last token as their own services', async () => {
    for (const [token, subject] of [
      [FIRST, 'service-0'],
      [LAST, 'service-99'],
    ]) {
      const echo = assertAccepted(await probe(host(), line(`Bearer ${token}`)))
      expect(echo.caller).toMatchObject({ issuer: 'local', subject })
    }
  })

  it.each([
    ['lower case', FIRST.toLowerCase()],
    ['upper case', FIRST.toUpperCase()],
    ['a prefix', FIRST.slice(0, -1)],
    ['a suffix', FIRST.slice(1)],
    ['one byte more', `${FIRST}0`],
    ['padding', `${FIRST}=`],
    ['its digest', sha256(FIRST)],
    ['a service name', 'service-0'],
    ['a member of every object', '__proto__'],
  ])('T44 rejects %s', async (_name, token) => {
    assertContract(await probe(host(), line(`Bearer ${token}`)), 'TOK', {
      resourceMetadata: null,
      secrets: [token],
    })
  })

  it('T45 answers near misses of the first, the last and no token alike', async () => {
    // The times themselves are measured where no network is between (test/validators).
    const answers = await Promise.all(
      [`${FIRST}x`, `${LAST}x`, 'nothing-of-the-kind'].map(async (token) => {
        const { status, fields, text } = await sendRaw(host().port, line(`Bearer ${token}`))
        return { status, text, fields: fields.filter(([name]) => name !== 'date') }
      }),
    )
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
    await host().take()
  })

  it('sends a challenge without metadata, since there is no authorization server', async () => {
    const exchange = await probe(host(), {})
    assertContract(exchange, 'BARE', { resourceMetadata: null })
    expect(exchange.response.header('www-authenticate')).toBe('Bearer')
  })

  it('keeps the connection usable after every kind of refusal', async () => {
    const connection = await openConnection(host().port)
    const values = ['', 'Basic x', 'Bearer', 'Bearer a b', 'Bearer unknown', `Bearer ${FIRST}`]
    const statuses: number[] = []
    for (const value of values) {
      await connection.write(formatRequest({ ...line(value), body: '{"x":1}' }))
      statuses.push((await connection.read()).status)
    }
    connection.destroy()
    expect(statuses).toEqual([401, 401, 401, 401, 401, 200])
    expect((await collect(host(), await sendRaw(host().port, {}))).calls).toHaveLength(1)
  })
})

describe('a server with local tokens', () => {
  it.each([
    ['an empty digest', { 'a-service': { digest: '' } }],
    ['a blank digest', { 'a-service': { digest: '   ' } }],
    ['an undefined digest', { 'a-service': { digest: undefined } }],
    ['the digest of no text', { 'a-service': { digest: `sha256:${sha256('')}` } }],
    ['no token at all', {}],
    ['an unset variable', undefined],
  ])('T42 does not start with %s', (_name, tokens) => {
    // As JavaScript callers can write it.
    const start = () =>
      createMcpAuth({
        resource: RESOURCE,
        validators: [localBearer(tokens as Parameters<typeof localBearer>[0])],
      })
    expect(start).toThrow(ConfigurationError)
  })
})

describeReasonCodes()
