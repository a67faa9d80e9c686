import { TOKEN_FAULTS } from '@bestviable/mcp-auth-middleware/testing'
import type { REFUSALS } from '../../../packages/mcp-auth-middleware/test/black-box/contract.js'
import type { RawRequest } from '../../../packages/mcp-auth-middleware/test/black-box/raw-http.js'
import { INTROSPECTION_OUTAGES, KEY_OUTAGES, type MatrixWorld } from './matrix-world.js'
import { ACCESS_AUDIENCE, OPAQUE_PREFIX } from './resource-server-job.js'

/**
 * `FRONT`: the HTTP server refuses it, and the guard does not see it. `CODING`: the HTTP server refuses it
 * too, but Node.js hands a request over before it looks at how its body is coded.
 */
export type BadOutcome = keyof typeof REFUSALS | 'FRONT' | 'CODING'

/** A request that must not reach the handler, by the id of its row. */
export interface BadRequest {
  readonly name: string
  /** Every outcome that is right; hosts differ in what their HTTP parser lets through. */
  readonly outcomes: readonly BadOutcome[]
  /** Scopes in the challenge. Default: the required ones. */
  readonly scope?: readonly string[]
  request(world: MatrixWorld): RawRequest | string | Promise<RawRequest | string>
}

type Make = (world: MatrixWorld) => string | Promise<string>

const JSON_TYPE = ['Content-Type', 'application/json'] as const
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
const callOf = (name: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })

/** A request with one `Authorization` line, byte for byte. */
function line(name: string, outcomes: BadOutcome | readonly BadOutcome[], make: Make): BadRequest {
  return {
    name,
    outcomes: [outcomes].flat(),
    request: async (world) => ({
      headers: [['Authorization', await make(world)], JSON_TYPE],
      body: PING,
    }),
  }
}

/** A request with a good token and a body that is refused. */
function body(
  name: string,
  outcomes: BadOutcome | readonly BadOutcome[],
  text: string | ((world: MatrixWorld) => string),
  extra: Partial<BadRequest> & { readonly headers?: RawRequest['headers'] } = {},
): BadRequest {
  const { headers = [JSON_TYPE], ...rest } = extra
  return {
    name,
    outcomes: [outcomes].flat(),
    request: (world) => ({
      headers: [['Authorization', `Bearer ${world.good}`], ...headers],
      body: typeof text === 'string' ? text : text(world),
    }),
    ...rest,
  }
}

const headerRequests: readonly BadRequest[] = [
  { name: 'T01 no credential', outcomes: ['BARE'], request: () => ({ headers: [], body: PING }) },
  line('T02 Basic', 'BARE', ({ good }) => `Basic ${good}`),
  line('T02 Digest', 'BARE', ({ marker }) => `Digest ${marker}`),
  line('T04 no token', 'MAL', () => 'Bearer'),
  line('T04 blanks only', 'MAL', () => 'Bearer   '),
  line('T06 a tab', ['MAL', 'FRONT'], ({ good }) => `Bearer\t${good}`),
  line('T06 a no-break space', 'MAL', ({ good }) => `Bearer\xa0${good}`),
  line('T07 junk behind the token', 'MAL', ({ good, marker }) => `Bearer ${good} ${marker}`),
  line('T09 two tokens in one field', 'MAL_400', ({ good }) => `Bearer ${good}, Bearer ${good}`),
  {
    name: 'T09 two fields',
    outcomes: ['MAL_400'],
    request: ({ good, bearer }) => ({
      headers: [
        ['Authorization', `Bearer ${good}`],
        ['Authorization', `Bearer ${bearer}`],
      ],
    }),
  },
  line('T11 quoted', 'MAL', ({ good }) => `Bearer "${good}"`),
  line('T11 another scheme', 'BARE', ({ good }) => `Token ${good}`),
  line('T12 padded', 'TOK', ({ good }) => `Bearer ${good}=`),
  {
    name: 'T15 in the query',
    outcomes: ['BARE'],
    request: ({ good }) => ({ method: 'GET', target: `/mcp?access_token=${good}` }),
  },
  {
    name: 'T16 header and query',
    outcomes: ['MAL_400'],
    request: ({ good, marker }) => ({
      target: `/mcp?access_token=${marker}`,
      headers: [['Authorization', `Bearer ${good}`]],
    }),
  },
  {
    name: 'T17 in a form',
    outcomes: ['BARE'],
    request: ({ good }) => ({
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: `access_token=${good}`,
    }),
  },
  line('T19 8,193 characters', 'TOK', ({ marker }) => `Bearer ${marker.padEnd(8193, 'A')}`),
  line('T20 17 KB', ['TOK', 'FRONT'], ({ marker }) => `Bearer ${marker.padEnd(17_408, 'A')}`),
  line('T21 4,000 dots', 'TOK', () => `Bearer ${'.'.repeat(4000)}`),
  line('T21 dots and letters', 'TOK', () => `Bearer ${'.A'.repeat(4000).padEnd(8192, 'A')}`),
  line('T22 quotes', 'MAL', ({ marker }) => `Bearer a"b\\c${marker}`),
  line('T22 markup', 'MAL', ({ marker }) => `Bearer <script>${marker}</script>`),
  line('T23 no UTF-8', 'MAL', ({ marker }) => `Bearer \xff\xfe${marker}`),
  line('T25 a line feed', 'FRONT', ({ good }) => `Bearer ${good.slice(0, 50)}\n${good.slice(50)}`),
  line('T25 a NUL', 'FRONT', ({ good }) => `Bearer ${good}\0`),
  line('T26 DPoP', 'BARE', ({ good }) => `DPoP ${good}`),
  line('T27 bound to a key', 'TOK', async ({ issuer, marked }) => {
    return `Bearer ${await issuer.token({ ...marked, cnf: { jkt: 'x' } })}`
  }),
  ...['/MCP', '/%6dcp', '//mcp', '/mcp;a', '/./mcp', '/x/../mcp', '/admin'].map(
    (target): BadRequest => ({
      name: `T30 ${target}`,
      outcomes: ['BARE', 'FRONT'],
      request: () => ({ target, headers: [JSON_TYPE], body: PING }),
    }),
  ),
  line('T44 a prefix of a Bearer token', 'TOK', ({ bearer }) => `Bearer ${bearer.slice(0, -1)}`),
  line('T44 one byte more', 'TOK', ({ bearer }) => `Bearer ${bearer}A`),
  {
    name: 'P12 Content-Length and Transfer-Encoding',
    outcomes: ['FRONT'],
    request: ({ good }) =>
      `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer ${good}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'P12 two lengths',
    outcomes: ['FRONT'],
    request: ({ good }) =>
      `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer ${good}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
  },
  {
    name: 'P12 an unknown coding',
    outcomes: ['CODING'],
    request: ({ good }) =>
      `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer ${good}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  },
]

const tokenRequests: readonly BadRequest[] = [
  ...TOKEN_FAULTS.map(({ name, outcome }) =>
    line(`J ${name}`, outcome === 'invalid_token' ? 'TOK' : 'SCO', async ({ issuer, marked }) => {
      return `Bearer ${await issuer.faulty(name, marked)}`
    }),
  ),
  line('J22 a subject with a line feed', 'TOK', async ({ issuer, marker }) => {
    return `Bearer ${await issuer.token({ sub: `${marker}\nadmin` })}`
  }),
  line('J54 claims nested 1,000 deep', 'TOK', async ({ issuer, marked }) => {
    const deep = JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)
    return `Bearer ${await issuer.token({ ...marked, aud: deep })}`
  }),
  line('J56 an address that nobody verified', 'FORB', async ({ issuer, marked }) => {
    return `Bearer ${await issuer.token({ ...marked, email_verified: false })}`
  }),
  line('J56 another address', 'FORB', async ({ issuer, marker }) => {
    return `Bearer ${await issuer.token({ email: `${marker}@corp.test` })}`
  }),
  ...(
    ['{"alg":"none"}', '{"__proto__":{"alg":"none"}}', '{"alg":"RS256"}', '[]', 'null'] as const
  ).map((header) =>
    line(`J a token without signature, header ${header}`, 'TOK', ({ issuer, marker }) => {
      const claims = {
        iss: issuer.issuer,
        canary: marker,
        ['__proto__']: { polluted: true },
        constructor: { prototype: { polluted: true } },
      }
      const parts = [header, JSON.stringify(claims)].map((part) =>
        Buffer.from(part).toString('base64url'),
      )
      return `Bearer ${parts.join('.')}.AAAA`
    }),
  ),
]

const accessRequests: readonly BadRequest[] = [
  {
    name: 'T32 the address in a header',
    outcomes: ['BARE'],
    request: ({ marker }) => ({
      headers: [['Cf-Access-Authenticated-User-Email', `${marker}@corp.test`], JSON_TYPE],
      body: PING,
    }),
  },
  ...(
    [
      ['T33 signed by a stranger', 'stranger', {}],
      ['T34 for another application', 'issuer', { aud: 'aud-of-another' }],
      ['T37 of a service', 'issuer', { sub: '', common_name: 'bot' }],
    ] as const
  ).map(
    ([name, from, claims]): BadRequest => ({
      name,
      outcomes: ['TOK'],
      request: async (world) => ({
        headers: [['Cf-Access-Jwt-Assertion', await assertion(world, from, claims)], JSON_TYPE],
        body: PING,
      }),
    }),
  ),
  {
    name: 'T36 in the cookie only',
    outcomes: ['BARE'],
    request: async (world) => ({
      headers: [['Cookie', `CF_Authorization=${await assertion(world, 'issuer', {})}`], JSON_TYPE],
      body: PING,
    }),
  },
  {
    name: 'T40 an assertion and a token',
    outcomes: ['MAL_400'],
    request: async (world) => ({
      headers: [
        ['Cf-Access-Jwt-Assertion', await assertion(world, 'issuer', {})],
        ['Authorization', `Bearer ${world.good}`],
      ],
    }),
  },
]

function assertion(
  world: MatrixWorld,
  from: 'issuer' | 'stranger',
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const iss = 'https://acme.cloudflareaccess.com'
  const all = { ...world.marked, iss, aud: ACCESS_AUDIENCE, type: 'app', ...claims }
  return world[from].token(all, { header: { typ: 'JWT' } })
}

const bodyRequests: readonly BadRequest[] = [
  body('C22 a tool that needs another scope', 'SCO', callOf('delete_doc'), {
    scope: ['docs.read', 'docs.write'],
  }),
  body('C22 a tool that nobody listed', 'SCO', callOf('__proto__'), {
    scope: ['docs.read', 'docs.admin'],
  }),
  body('half a message', 'BODY_400', ({ marker }) => `{"jsonrpc":"2.0","${marker}`),
  body('no message', 'BODY_400', ({ marker }) => JSON.stringify({ name: marker })),
  body(
    'P01 a message that names a prototype',
    'SCO',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"params":{"name":"x","__proto__":{"polluted":true}}}',
    {
      scope: ['docs.read', 'docs.admin'],
    },
  ),
  body('an empty batch', 'BODY_400', '[]'),
  body('a compressed body', 'BODY_415', ({ marker }) => marker, {
    headers: [JSON_TYPE, ['Content-Encoding', 'gzip']],
  }),
  {
    name: 'over 4 MiB',
    outcomes: ['BODY_413'],
    // In chunks and by one byte, so that all of it is read: who is refused while writing may get no answer.
    request: ({ good }) => ({
      headers: [['Authorization', `Bearer ${good}`], JSON_TYPE],
      body: PING.padEnd(4 * 1024 * 1024 + 1),
      transfer: 'chunked',
    }),
  },
  body('X32 a store that is down', 'DEP', callOf('stored_down')),
  body('X32 a store that is damaged', 'ERR', callOf('stored_damaged')),
]

const outageRequests: readonly BadRequest[] = [
  ...KEY_OUTAGES.map((mode) =>
    line(`K05 keys: ${mode}`, 'DEP', async ({ outages, marked }) => {
      return `Bearer ${await outages.get(mode)?.token(marked)}`
    }),
  ),
  ...INTROSPECTION_OUTAGES.map((mode) =>
    line(`K24 introspection: ${mode}`, 'DEP', ({ marker }) => {
      return `Bearer ${OPAQUE_PREFIX}${mode}-${marker}`
    }),
  ),
  line('K24 introspection: an odd answer', 'DEP', ({ marker }) => {
    return `Bearer ${OPAQUE_PREFIX}list-${marker}`
  }),
  line('an opaque token that is not active', 'TOK', ({ marker }) => {
    return `Bearer ${OPAQUE_PREFIX}${marker}`
  }),
]

/** The sample of every group of rejected requests, faults included. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  ...headerRequests,
  ...tokenRequests,
  ...accessRequests,
  ...bodyRequests,
  ...outageRequests,
]
