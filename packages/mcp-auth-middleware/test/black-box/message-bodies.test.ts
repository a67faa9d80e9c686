import { createHash } from 'node:crypto'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  assertAccepted,
  assertContract,
  assertRefusedInFront,
  collect,
  describeReasonCodes,
  type Exchange,
  probe,
} from './contract.js'
import {
  HOST_KINDS,
  type Host,
  isFetchHost,
  NODE_HOST_KINDS,
  samplesFor,
  useHost,
} from './hosts.js'
import { formatRequest, openConnection, type RawRequest } from './raw-http.js'
import type { Scenario, TableSpec } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

const RESOURCE = 'https://mcp.test/mcp'
const MIB = 1024 * 1024

afterAll(stopWorkers)

const tokens: TableSpec['tokens'] = {
  tbl_reader: { principal: { scopes: ['read'] } },
  tbl_writer: { principal: { scopes: ['write'] } },
  tbl_admin: { principal: { scopes: ['admin', 'read'] } },
  tbl_nothing: { principal: { scopes: [] } },
}
const table: TableSpec = {
  kind: 'table',
  selects: { prefixes: ['tbl_'] },
  authorizationServers: ['https://as.test'],
  tokens,
}
const scenario: Scenario = {
  options: {
    resource: RESOURCE,
    scopes: {
      required: ['read'],
      tools: {
        get_row: [],
        'get_*': ['read'],
        'get_secret*': ['secrets'],
        delete_doc: ['write'],
        constructor: ['write'],
      },
      otherTools: ['admin'],
      resources: { 'file:///public/*': [], 'file:///private/*': ['write'] },
      otherResources: ['admin'],
      prompts: { hello: [] },
      otherPrompts: ['write'],
      implies: { write: ['edit'], edit: ['read'] },
    },
  },
  validators: [table],
}

const sha256 = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')
const json = [['Content-Type', 'application/json']] as const
const as = (token: string) => ['Authorization', `Bearer tbl_${token}`] as const
const call = (name: unknown, id: number = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {} },
})
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

type Body = string | Uint8Array | object
const bytesOf = (body: Body): string | Uint8Array =>
  typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)

function send(
  host: Host,
  token: string,
  body: Body,
  over: Partial<RawRequest> = {},
): Promise<Exchange> {
  const { headers = json, ...rest } = over
  return probe(host, { headers: [as(token), ...headers], body: bytesOf(body), ...rest })
}

/** Needs `write`: what every bypass below tries to reach as `reader`. */
const FORBIDDEN_CALL = call('delete_doc')
const NEEDS_WRITE = { scope: ['read', 'write'], reason: 'scope_missing' }

describe.each(HOST_KINDS)('message bodies on %s', (kind) => {
  const host = useHost(kind, () => scenario)

  describe('scopes of operations', () => {
    it.each(
      samplesFor<[string, string, Body, readonly string[] | 'ok']>(kind, [
        ['no operation', 'reader', ping, 'ok'],
        ['an answer of the client', 'reader', { jsonrpc: '2.0', id: 1, result: {} }, 'ok'],
        ['a listing', 'reader', { ...ping, method: 'tools/list' }, 'ok'],
        ['an open tool', 'reader', call('get_row'), 'ok'],
        ['a prefix', 'reader', call('get_column'), 'ok'],
        ['the longest prefix', 'reader', call('get_secrets'), ['read', 'secrets']],
        ['the prefix itself', 'reader', call('get_secret'), ['read', 'secrets']],
        ['nearly a prefix', 'reader', call('get'), ['read', 'admin']],
        ['an exact tool', 'reader', FORBIDDEN_CALL, ['read', 'write']],
        ['another case of a tool', 'reader', call('DELETE_DOC'), ['read', 'admin']],
        ['a tool with a blank', 'reader', call('delete_doc '), ['read', 'admin']],
        ['an unlisted tool', 'writer', call('new_tool'), ['read', 'admin']],
        ['an unlisted tool', 'admin', call('new_tool'), 'ok'],
        ['a star as a name', 'reader', call('*'), ['read', 'admin']],
        ['the pattern as a name', 'reader', call('get_secret*'), ['read', 'secrets']],
        ['an implied scope', 'writer', FORBIDDEN_CALL, 'ok'],
        ['a transitively implied scope', 'writer', ping, 'ok'],
        ['no scope at all', 'nothing', ping, ['read']],
        ['no scope at all', 'nothing', FORBIDDEN_CALL, ['read', 'write']],
        ['a tool named like a prototype member', 'reader', call('constructor'), ['read', 'write']],
        ['__proto__ as a tool', 'reader', call('__proto__'), ['read', 'admin']],
        ['toString as a tool', 'reader', call('toString'), ['read', 'admin']],
        ['an empty name', 'reader', call(''), ['read', 'admin']],
        ['no name', 'reader', call(undefined), ['read', 'admin']],
        ['a number as name', 'reader', call(7), ['read', 'admin']],
        ['a list as name', 'reader', call(['get_row']), ['read', 'admin']],
        ['an object as name', 'reader', call({ toString: 'get_row' }), ['read', 'admin']],
        ['no params', 'reader', { ...ping, method: 'tools/call' }, ['read', 'admin']],
        [
          'params as a list',
          'reader',
          { ...ping, method: 'tools/call', params: ['get_row'] },
          ['read', 'admin'],
        ],
        [
          'params null',
          'reader',
          { ...ping, method: 'tools/call', params: null },
          ['read', 'admin'],
        ],
        [
          'an open resource',
          'reader',
          { ...ping, method: 'resources/read', params: { uri: 'file:///public/x' } },
          'ok',
        ],
        [
          'a closed resource',
          'reader',
          { ...ping, method: 'resources/read', params: { uri: 'file:///private/x' } },
          ['read', 'write'],
        ],
        [
          'a subscription',
          'reader',
          { ...ping, method: 'resources/subscribe', params: { uri: 'file:///private/x' } },
          ['read', 'write'],
        ],
        [
          'another resource',
          'reader',
          { ...ping, method: 'resources/read', params: { uri: 'other:x' } },
          ['read', 'admin'],
        ],
        [
          'an open prompt',
          'reader',
          { ...ping, method: 'prompts/get', params: { name: 'hello' } },
          'ok',
        ],
        [
          'another prompt',
          'reader',
          { ...ping, method: 'prompts/get', params: { name: 'x' } },
          ['read', 'write'],
        ],
        [
          'the completion of a prompt',
          'reader',
          {
            ...ping,
            method: 'completion/complete',
            params: { ref: { type: 'ref/prompt', name: 'x' } },
          },
          ['read', 'write'],
        ],
        [
          'the completion of a resource',
          'reader',
          {
            ...ping,
            method: 'completion/complete',
            params: { ref: { type: 'ref/resource', uri: 'file:///private/x' } },
          },
          ['read', 'write'],
        ],
      ]),
    )('%s as %s', async (_name, token, body, expected) => {
      const exchange = await send(host(), token, body)
      if (expected === 'ok') assertAccepted(exchange)
      else assertContract(exchange, 'SCO', { scope: expected })
    })

    it('C22 asks once for all scopes of a batch', async () => {
      const exchange = await send(host(), 'reader', [
        ping,
        call('get_secrets', 2),
        FORBIDDEN_CALL,
        call('new_tool', 4),
      ])
      assertContract(exchange, 'SCO', { scope: ['read', 'secrets', 'write', 'admin'] })
    })

    it.each(
      samplesFor(kind, [
        '2025-03-26',
        '2025-06-18',
        '2025-11-25',
        '2026-07-28',
        'nonsense',
        undefined,
      ]),
    )('reads batches at protocol version %s', async (version) => {
      const headers =
        version === undefined ? json : [...json, ['MCP-Protocol-Version', version] as const]
      const batch = [ping, FORBIDDEN_CALL]
      assertContract(await send(host(), 'reader', batch, { headers }), 'SCO', NEEDS_WRITE)
      assertAccepted(await send(host(), 'writer', batch, { headers }))
      assertContract(await send(host(), 'reader', FORBIDDEN_CALL, { headers }), 'SCO', NEEDS_WRITE)
    })

    it('believes the body and not the headers that repeat it', async () => {
      const headers = [...json, ['Mcp-Method', 'ping'] as const, ['Mcp-Name', 'get_row'] as const]
      assertContract(await send(host(), 'reader', FORBIDDEN_CALL, { headers }), 'SCO', NEEDS_WRITE)
    })

    it.each(['POST', 'PUT', 'PATCH'])('reads the body of %s', async (method) => {
      assertContract(await send(host(), 'reader', FORBIDDEN_CALL, { method }), 'SCO', NEEDS_WRITE)
    })

    it.each(samplesFor(kind, ['/other', '/MCP', '/mcp/', '//mcp']))(
      'reads the body on every path: %s',
      async (target) => {
        assertContract(await send(host(), 'reader', FORBIDDEN_CALL, { target }), 'SCO', NEEDS_WRITE)
      },
    )

    it('needs the endpoint scopes of GET and DELETE, which have no message', async () => {
      for (const method of ['GET', 'DELETE']) {
        assertAccepted(await probe(host(), { method, headers: [as('reader')] }))
        const exchange = await probe(host(), { method, headers: [as('nothing')] })
        assertContract(exchange, 'SCO', { scope: ['read'] })
      }
    })

    // A handler for all methods behind a body parser would execute it. Web-standard requests cannot
    // have a body with GET.
    it.each(isFetchHost(kind) ? ['DELETE', 'PUT'] : ['GET', 'DELETE', 'PUT'])(
      'authorizes a message that comes with %s',
      async (method) => {
        const refused = await send(host(), 'reader', FORBIDDEN_CALL, { method })
        assertContract(refused, 'SCO', NEEDS_WRITE)
        assertAccepted(await send(host(), 'writer', FORBIDDEN_CALL, { method }))
      },
    )
  })

  describe('what cannot be read', () => {
    it.each(
      samplesFor<[string, Body, string]>(kind, [
        ['nothing', '', 'body_not_json'],
        ['a blank', ' ', 'body_not_json'],
        ['half a message', '{"jsonrpc":"2.0"', 'body_not_json'],
        ['two messages', `${JSON.stringify(ping)}\n${JSON.stringify(ping)}`, 'body_not_json'],
        ['a form', 'method=tools%2Fcall', 'body_not_json'],
        ['a page', '<html>', 'body_not_json'],
        ['a trailing comma', '{"method":"ping",}', 'body_not_json'],
        ['a comment', '/**/{"method":"ping"}', 'body_not_json'],
        ['single quotes', "{'method':'ping'}", 'body_not_json'],
        ['a NUL in front', '\0{"method":"ping"}', 'body_not_json'],
        ['an empty batch', '[]', 'batch_empty'],
        ['a nested batch', [[FORBIDDEN_CALL]], 'message_not_object'],
        ['a batch with null', [ping, null], 'message_not_object'],
        ['null', 'null', 'message_not_object'],
        ['a number', '7', 'message_not_object'],
        ['a string', '"tools/call"', 'message_not_object'],
        // What a body parser leaves where it did not read: the message may be elsewhere.
        ['an empty object', '{}', 'not_a_message'],
        ['an object that is no message', '{"name":"delete_doc"}', 'not_a_message'],
        ['a method as list', { ...FORBIDDEN_CALL, method: ['tools/call'] }, 'method_not_string'],
        ['a method as object', { ...FORBIDDEN_CALL, method: { a: 1 } }, 'method_not_string'],
        ['a method null', { ...FORBIDDEN_CALL, method: null }, 'method_not_string'],
        ['UTF-16', Buffer.from(JSON.stringify(FORBIDDEN_CALL), 'utf16le'), 'body_not_json'],
      ]),
    )('refuses %s', async (_name, body, reason) => {
      assertContract(await send(host(), 'writer', body), 'BODY_400', { reason })
    })

    it('refuses a POST without any body', async () => {
      const exchange = await probe(host(), { headers: [as('writer'), ...json] })
      assertContract(exchange, 'BODY_400', { reason: 'body_not_json' })
    })

    it('refuses an empty chunked body', async () => {
      const exchange = await send(host(), 'writer', '', { transfer: 'chunked' })
      assertContract(exchange, 'BODY_400', { reason: 'body_not_json' })
    })

    it('does not say more to a caller without scopes', async () => {
      assertContract(await send(host(), 'nothing', 'not json'), 'BODY_400')
    })

    it('judges the credential first', async () => {
      assertContract(await send(host(), 'nobody', 'not json'), 'TOK')
      const bare = await probe(host(), { headers: json, body: 'not json' })
      assertContract(bare, 'BARE')
    })

    it('survives 100,000 nested lists', async () => {
      const deep = `{"method":"ping","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
      const { response } = await send(host(), 'reader', deep)
      expect([200, 400]).toContain(response.status)
    })
  })

  describe('encodings', () => {
    const message = JSON.stringify(FORBIDDEN_CALL)

    it.each(
      samplesFor<[string, Uint8Array | string]>(kind, [
        ['gzip', gzipSync(message)],
        ['br', brotliCompressSync(message)],
        ['deflate', 'x'],
        ['GZIP', gzipSync(message)],
        ['identity, gzip', gzipSync(message)],
        ['zstd', 'x'],
        ['nonsense', message],
      ]),
    )('refuses a body compressed by %s', async (encoding, body) => {
      const headers = [...json, ['Content-Encoding', encoding] as const]
      const exchange = await send(host(), 'writer', body, { headers })
      assertContract(exchange, 'BODY_415', { reason: 'body_compressed' })
    })

    it('refuses the second of two encodings', async () => {
      const headers = [
        ...json,
        ['Content-Encoding', 'identity'] as const,
        ['Content-Encoding', 'gzip'] as const,
      ]
      assertContract(await send(host(), 'writer', gzipSync(message), { headers }), 'BODY_415')
    })

    it('takes `identity` for what it is', async () => {
      const headers = [...json, ['Content-Encoding', 'identity'] as const]
      assertAccepted(await send(host(), 'writer', message, { headers }))
      assertContract(await send(host(), 'reader', message, { headers }), 'SCO', NEEDS_WRITE)
    })

    it.each(
      samplesFor(kind, [
        'charset=utf-16',
        'charset=utf-16le',
        'charset=utf-7',
        'charset="utf-7"',
        'charset=UTF-32',
        'charset=iso-8859-1',
        'charset = utf-7',
        'CHARSET=utf-7',
        'charset="utf\\-7"',
        'charset=',
        'charset=utf-8x',
        'charset=utf-8; charset=utf-7',
        'charset=utf-7; charset=utf-8',
        'x="charset=utf-8"; charset=utf-7',
        'xcharset=utf-8; charset=utf-7',
        'x=";charset=utf-8"; charset="utf-7"',
      ]),
    )('refuses %s', async (parameter) => {
      const headers = [['Content-Type', `application/json; ${parameter}`]] as const
      const exchange = await send(host(), 'writer', message, { headers })
      assertContract(exchange, 'BODY_415', { reason: 'body_charset' })
    })

    it.each(samplesFor(kind, ['charset=utf-8', 'charset="UTF-8"', 'Charset=utf8', 'boundary=x']))(
      'reads %s',
      async (parameter) => {
        const headers = [['Content-Type', `application/json; ${parameter}`]] as const
        assertAccepted(await send(host(), 'writer', message, { headers }))
        assertContract(await send(host(), 'reader', message, { headers }), 'SCO', NEEDS_WRITE)
      },
    )

    it.each(
      samplesFor(kind, [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        '',
      ]),
    )('reads a message whatever its media type: %j', async (type) => {
      const headers = [['Content-Type', type]] as const
      assertContract(await send(host(), 'reader', message, { headers }), 'SCO', NEEDS_WRITE)
    })

    it('reads a message without a media type', async () => {
      assertContract(await send(host(), 'reader', message, { headers: [] }), 'SCO', NEEDS_WRITE)
    })

    it('reads behind a byte order mark', async () => {
      const marked = `\ufeff${message}`
      assertContract(await send(host(), 'reader', marked), 'SCO', NEEDS_WRITE)
      const echo = assertAccepted(await send(host(), 'writer', marked))
      expect(echo.sha256).toBe(sha256(marked))
    })

    it.each(
      samplesFor(kind, [
        [
          'escapes in names',
          '{"jsonrpc":"2.0","id":1,"\\u006dethod":"tools\\u002fcall","params":{"n\\u0061me":"delete\\u005fdoc"}}',
        ],
        [
          'the last of two methods',
          '{"method":"ping","method":"tools/call","params":{"name":"delete_doc"}}',
        ],
        [
          'the last of two params',
          '{"method":"tools/call","params":{"name":"get_row"},"params":{"name":"delete_doc"}}',
        ],
        [
          'the last of two names',
          '{"method":"tools/call","params":{"name":"get_row","name":"delete_doc"}}',
        ],
        [
          'beside __proto__',
          '{"__proto__":{"method":"ping"},"method":"tools/call","params":{"name":"delete_doc","__proto__":{"name":"get_row"}}}',
        ],
        [
          'blanks everywhere',
          ' \n\t{ "method" : "tools/call" , "params" : { "name" : "delete_doc" } } \r\n',
        ],
      ]),
    )('reads %s as the handler does', async (_name, body) => {
      assertContract(await send(host(), 'reader', body), 'SCO', NEEDS_WRITE)
      expect(assertAccepted(await send(host(), 'writer', body)).sha256).toBe(sha256(body))
    })

    it.each([
      [
        'the first of two methods',
        '{"method":"tools/call","method":"ping","params":{"name":"delete_doc"}}',
      ],
      [
        'a method of the prototype',
        '{"__proto__":{"method":"tools/call","params":{"name":"delete_doc"}},"method":"ping"}',
      ],
    ])('does not read %s', async (_name, body) => {
      assertAccepted(await send(host(), 'reader', body))
    })

    it('reads a name in bytes that are no UTF-8 as the handler does', async () => {
      const body = Buffer.concat([
        Buffer.from('{"method":"tools/call","params":{"name":"delete_doc'),
        Buffer.from([0xff]),
        Buffer.from('"}}'),
      ])
      assertContract(await send(host(), 'reader', body), 'SCO', { scope: ['read', 'admin'] })
    })
  })

  describe('sizes and arrival', () => {
    const message = JSON.stringify(FORBIDDEN_CALL)
    const padded = (size: number): string => {
      const [head = '', tail = ''] = JSON.stringify({ ...FORBIDDEN_CALL, pad: '@' }).split('@')
      return head + 'ä'.repeat((size - head.length - tail.length) >> 1) + tail
    }

    it.each(
      samplesFor(kind, [
        ['3.9 MiB', Math.floor(3.9 * MIB)],
        ['4 MiB', 4 * MIB],
      ]),
    )('hands on %s byte for byte', async (_name, size) => {
      const body = padded(size)
      expect(Buffer.byteLength(body)).toBeGreaterThan(size - 3)
      for (const transfer of ['length', 'chunked'] as const) {
        const echo = assertAccepted(await send(host(), 'writer', body, { transfer }))
        expect(echo).toMatchObject({ length: Buffer.byteLength(body), sha256: sha256(body) })
      }
    })

    it.each(samplesFor(kind, ['length', 'chunked'] as const))(
      'refuses 5 MiB by %s',
      async (transfer) => {
        const exchange = await send(host(), 'writer', padded(5 * MIB), { transfer })
        assertContract(exchange, 'BODY_413', { reason: 'body_too_large' })
      },
    )

    it('refuses one byte too many', async () => {
      const body = `${JSON.stringify(ping)}${' '.repeat(4 * MIB)}`.slice(0, 4 * MIB + 1)
      assertContract(await send(host(), 'writer', body), 'BODY_413')
      assertAccepted(await send(host(), 'writer', body.slice(0, 4 * MIB)))
    })

    it('refuses an announced length at once, before the body comes', async () => {
      await host().take()
      const connection = await openConnection(host().port)
      await connection.write(
        `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer tbl_writer\r\nContent-Length: ${1024 * MIB}\r\n\r\n`,
      )
      // A fetch host sees no length that it could trust, so it waits for the bytes.
      const response = isFetchHost(kind) ? undefined : await connection.read()
      connection.destroy()
      if (response !== undefined) assertContract(await collect(host(), response), 'BODY_413')
      else expect((await host().take()).calls).toEqual([])
    })

    it.each(samplesFor(kind, [1, 7, 4096]))(
      'reads a body in chunks of %d bytes',
      async (chunkBytes) => {
        const over = { transfer: 'chunked', chunkBytes } as const
        assertContract(await send(host(), 'reader', message, over), 'SCO', NEEDS_WRITE)
        const echo = assertAccepted(await send(host(), 'writer', message, over))
        expect(echo.sha256).toBe(sha256(message))
      },
    )

    it.each(samplesFor(kind, ['length', 'chunked'] as const))(
      'reads a body that arrives one byte at a time, by %s',
      async (transfer) => {
        for (const token of ['reader', 'writer']) {
          await host().take()
          const connection = await openConnection(host().port)
          const bytes = formatRequest({
            headers: [as(token), ...json],
            body: message,
            transfer,
            chunkBytes: 5,
          })
          const head = bytes.indexOf('\r\n\r\n') + 4
          await connection.write(bytes.subarray(0, head))
          for (let at = head; at < bytes.length; at += 1) {
            await connection.write(bytes.subarray(at, at + 1))
          }
          const exchange = await collect(host(), await connection.read())
          connection.destroy()
          if (token === 'reader') assertContract(exchange, 'SCO', NEEDS_WRITE)
          else expect(assertAccepted(exchange).sha256).toBe(sha256(message))
        }
      },
    )

    it('decides for a client that waits for 100 Continue, too', async () => {
      const headers = [...json, ['Expect', '100-continue'] as const]
      assertContract(await send(host(), 'nobody', message, { headers }), 'TOK')
      assertContract(await send(host(), 'reader', message, { headers }), 'SCO', NEEDS_WRITE)
      assertAccepted(await send(host(), 'writer', message, { headers }))
    })

    it('reads pipelined messages apart from each other', async () => {
      await host().take()
      const connection = await openConnection(host().port)
      const request = (token: string, body: Body) =>
        formatRequest({ headers: [as(token), ...json], body: bytesOf(body) })
      await connection.write(
        Buffer.concat([
          request('writer', FORBIDDEN_CALL),
          request('reader', FORBIDDEN_CALL),
          request('reader', ping),
          request('reader', 'not json'),
          request('reader', ping),
        ]),
      )
      const answers = []
      for (let count = 0; count < 5; count += 1) answers.push(await connection.read())
      connection.destroy()
      expect(answers.map(({ status }) => status)).toEqual([200, 403, 200, 400, 200])
      expect(JSON.parse(answers[2]?.text ?? '').sha256).toBe(sha256(JSON.stringify(ping)))
    })

    it('keeps the connection usable after each refusal', async () => {
      const connection = await openConnection(host().port)
      // The Workers runtime closes when it is left with a large body that nobody has read.
      const unread = kind === 'workers' ? FORBIDDEN_CALL : padded(MIB)
      const attempts: [string, Body, number][] = [
        ['reader', FORBIDDEN_CALL, 403],
        ['reader', '[]', 400],
        ['reader', '', 400],
        ['nobody', FORBIDDEN_CALL, 401],
        ['nobody', unread, 401],
        ['writer', padded(MIB), 200],
        ['reader', padded(MIB), 403],
        ['reader', ping, 200],
      ]
      for (const [token, body, status] of attempts) {
        await connection.write(
          formatRequest({ headers: [as(token), ...json], body: bytesOf(body) }),
        )
        expect((await connection.read()).status).toBe(status)
      }
      connection.destroy()
    })

    it('serves others after a client has gone in the middle of its body', async () => {
      for (const transfer of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
        const connection = await openConnection(host().port)
        await connection.write(
          `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer tbl_writer\r\n${transfer}\r\n\r\n5\r\n{"met`,
        )
        connection.destroy()
        await connection.closed
      }
      // Events of the requests that broke off may come at any time.
      const { response, calls } = await send(host(), 'writer', FORBIDDEN_CALL)
      expect(response.status).toBe(200)
      expect(calls).toHaveLength(1)
    })

    it('refuses a body whose chunks are broken', async () => {
      const exchange = await probe(
        host(),
        'POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer tbl_writer\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n',
      ).catch(() => undefined)
      expect(exchange?.calls ?? []).toEqual([])
      if (exchange !== undefined && exchange.events.length === 0) assertRefusedInFront(exchange)
    })
  })
})

describe.each(HOST_KINDS)('a validator that takes its time on %s', (kind) => {
  const host = useHost(kind, () => ({ ...scenario, validators: [{ ...table, delayMs: 20 }] }))

  it.each(
    samplesFor<[string, Body, 'length' | 'chunked']>(kind, [
      ['a message', FORBIDDEN_CALL, 'length'],
      ['a chunked message', FORBIDDEN_CALL, 'chunked'],
      ['an empty body', '', 'length'],
      ['an empty chunked body', '', 'chunked'],
      ['a large message', { ...FORBIDDEN_CALL, pad: 'x'.repeat(MIB) }, 'length'],
      ['a large chunked message', { ...FORBIDDEN_CALL, pad: 'x'.repeat(MIB) }, 'chunked'],
    ]),
  )('reads %s that is complete before the verdict', async (_name, body, transfer) => {
    const reader = await send(host(), 'reader', body, { transfer })
    const writer = await send(host(), 'writer', body, { transfer })
    if (body === '') {
      for (const exchange of [reader, writer]) {
        assertContract(exchange, 'BODY_400', { reason: 'body_not_json' })
      }
      return
    }
    assertContract(reader, 'SCO', NEEDS_WRITE)
    expect(assertAccepted(writer).sha256).toBe(sha256(bytesOf(body)))
  })

  it('serves others after a client has gone before the verdict', async () => {
    for (const body of ['', '{"met']) {
      const connection = await openConnection(host().port)
      await connection.write(
        `POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer tbl_writer\r\nContent-Length: 1000\r\n\r\n${body}`,
      )
      connection.destroy()
      await connection.closed
    }
    // Events of the requests that broke off may come at any time.
    const { response, calls } = await send(host(), 'writer', FORBIDDEN_CALL)
    expect(response.status).toBe(200)
    expect(calls).toHaveLength(1)
  })
})

describe.each(NODE_HOST_KINDS)('a client that goes away on %s', (kind) => {
  const host = useHost(kind, () => scenario)

  it('is told about by one event, and the handler does not run', async () => {
    await host().take()
    const connection = await openConnection(host().port)
    await connection.write(
      'POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: Bearer tbl_writer\r\nContent-Length: 9\r\n\r\n{"met',
    )
    connection.destroy()
    const events: object[] = []
    await expect
      .poll(async () => {
        const recording = await host().take()
        expect(recording.calls).toEqual([])
        return events.push(...recording.events)
      })
      .toBe(1)
    expect(events).toMatchObject([{ outcome: 'bad_message', reason: 'body_incomplete' }])
  })
})

describe.each(HOST_KINDS)('without scopes of operations on %s', (kind) => {
  const host = useHost(kind, () => ({ ...scenario, options: { resource: RESOURCE } }))

  it('does not look at the body, whatever it is', async () => {
    for (const body of ['not json', '', '[]', gzipSync('x')]) {
      const headers = [...json, ['Content-Encoding', 'gzip'] as const]
      const echo = assertAccepted(await send(host(), 'nothing', body, { headers }))
      expect(echo.sha256).toBe(sha256(body))
    }
  })
})

describe.each(HOST_KINDS)('tools whose upstream credential is looked up first on %s', (kind) => {
  const options = { resource: RESOURCE, scopes: { required: ['read'] } }

  describe.each([
    ['unavailable', 'DEP', 'store_unavailable'],
    ['failed', 'ERR', 'store_failed'],
  ] as const)('when its store is %s', (credential, outcome, reason) => {
    const host = useHost(kind, () => ({ options, validators: [table], credential }))

    it('answers before the handler, and only for these tools', async () => {
      const refused = await send(host(), 'reader', [ping, call('stored_x')])
      assertContract(refused, outcome, { reason, secrets: ['canary', 'sealed'] })
      assertAccepted(await send(host(), 'reader', call('other')))
      // Scopes come first, so that nothing is looked up for a caller who may not call.
      assertContract(await send(host(), 'nothing', call('stored_x')), 'SCO', { scope: ['read'] })
    })
  })
})

describe.each(NODE_HOST_KINDS)('body parsers on %s', (kind) => {
  /** Reads as UTF-8 one harmless message, and as UTF-7 a call of `delete_doc`. */
  const POLYGLOT =
    '{"jsonrpc":"2.0","id":1,"method":"ping","x":"+ACI,+ACI-method+ACI:+ACI-tools/call+ACI,+ACI-params+ACI:+AHsAIg-name+ACI:+ACI-delete+AF8-doc+ACIAfQ,+ACI-y+ACI:+ACI-"}'

  describe.each(['json', 'text', 'raw'] as const)('%s before the guard', (before) => {
    const host = useHost(kind, () => ({ ...scenario, parser: { before } }))

    it('authorizes what was parsed', async () => {
      assertContract(await send(host(), 'reader', FORBIDDEN_CALL), 'SCO', NEEDS_WRITE)
      const echo = assertAccepted(await send(host(), 'writer', FORBIDDEN_CALL))
      const parsed = typeof echo.parsed === 'string' ? JSON.parse(echo.parsed) : echo.parsed
      expect(parsed).toEqual(FORBIDDEN_CALL)
      assertContract(await send(host(), 'reader', [ping, FORBIDDEN_CALL]), 'SCO', NEEDS_WRITE)
    })

    it('reads chunked and large bodies, too', async () => {
      const body = { ...FORBIDDEN_CALL, pad: 'x'.repeat(MIB) }
      for (const transfer of ['length', 'chunked'] as const) {
        assertContract(await send(host(), 'reader', body, { transfer }), 'SCO', NEEDS_WRITE)
        assertAccepted(await send(host(), 'writer', body, { transfer }))
      }
    })

    it.each(['[]', '[[]]'])('refuses %j', async (body) => {
      assertContract(await send(host(), 'writer', body), 'BODY_400')
    })
  })

  describe('urlencoded before the guard', () => {
    const host = useHost(kind, () => ({ ...scenario, parser: { before: 'urlencoded' as const } }))

    it('authorizes a form that a handler would take for a message', async () => {
      const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const
      const form = 'jsonrpc=2.0&id=1&method=tools/call&params[name]=delete_doc'
      assertContract(await send(host(), 'reader', form, { headers }), 'SCO', NEEDS_WRITE)
      const batch = '0[method]=tools/call&0[params][name]=delete_doc'
      const { response, calls } = await send(host(), 'reader', batch, { headers })
      // Some parsers make a batch of it and some `{ "0": {…} }`, which is no message.
      expect([400, 403]).toContain(response.status)
      expect(calls).toHaveLength(0)
    })
  })

  describe.each(['json', 'text'] as const)('%s behind the guard', (after) => {
    const host = useHost(kind, () => ({ ...scenario, parser: { after } }))

    it('finds the bytes put back', async () => {
      // A large one by day on each host once, behind another parser.
      const isLarge = isLongForm || (kind === 'express4') === (after === 'json')
      for (const body of [
        FORBIDDEN_CALL,
        [ping, FORBIDDEN_CALL],
        ...(isLarge ? [{ ...FORBIDDEN_CALL, pad: 'ä'.repeat(MIB) }] : []),
      ]) {
        for (const transfer of ['length', 'chunked'] as const) {
          const { parsed } = assertAccepted(await send(host(), 'writer', body, { transfer }))
          expect(typeof parsed === 'string' ? JSON.parse(parsed) : parsed).toEqual(body)
        }
      }
    })

    it.each([
      'charset=utf-7',
      'charset=utf-8; charset=utf-7',
      'xcharset=utf-8; charset=utf-7',
      'x="charset=utf-8"; charset=utf-7',
      'charset=us-ascii; charset=utf-7',
    ])('is not given a body that it would read as another message: %s', async (parameter) => {
      const headers = [['Content-Type', `application/json; ${parameter}`]] as const
      const exchange = await send(host(), 'reader', POLYGLOT, { headers })
      assertContract(exchange, 'BODY_415', { reason: 'body_charset' })
    })
  })

  describe('with the guard mounted twice', () => {
    const host = useHost(kind, () => ({ ...scenario, mount: 'twice' as const }))

    it('P28 reads and puts back twice', async () => {
      for (const transfer of ['length', 'chunked'] as const) {
        const exchange = await send(host(), 'writer', FORBIDDEN_CALL, { transfer })
        expect(exchange.response.status, exchange.response.text).toBe(200)
        expect(JSON.parse(exchange.response.text).sha256).toBe(
          sha256(JSON.stringify(FORBIDDEN_CALL)),
        )
        expect(exchange.calls).toHaveLength(1)
        assertContract(await send(host(), 'reader', FORBIDDEN_CALL), 'SCO', NEEDS_WRITE)
      }
    })
  })
})

describeReasonCodes()
