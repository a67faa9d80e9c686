import { describe, expect, it } from 'vitest'
import {
  parseMessage,
  parseMessageBytes,
  parseMessageText,
  unreadableEncoding,
} from '../../src/resource-server/json-rpc-message.js'

const call = (method: string, params?: unknown) => ({ jsonrpc: '2.0', id: 1, method, params })

describe('parseMessage()', () => {
  it.each([
    ['tools/call', { name: 'a' }, { kind: 'tools', name: 'a' }],
    ['resources/read', { uri: 'x://1' }, { kind: 'resources', name: 'x://1' }],
    ['resources/subscribe', { uri: 'x://1' }, { kind: 'resources', name: 'x://1' }],
    ['resources/unsubscribe', { uri: 'x://1' }, { kind: 'resources', name: 'x://1' }],
    ['prompts/get', { name: 'p' }, { kind: 'prompts', name: 'p' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'p' } },
      { kind: 'prompts', name: 'p' },
    ],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'x://{id}' } },
      { kind: 'resources', name: 'x://{id}' },
    ],
  ])('finds the operation of %s', (method, params, operation) => {
    expect(parseMessage(call(method, params))).toEqual({
      kind: 'operations',
      operations: [operation],
    })
  })

  it.each([
    ['no params', undefined],
    ['params that are a list', ['a']],
    ['a name that is a list', { name: ['a'] }],
    ['a name on the prototype', JSON.parse('{"__proto__":{"name":"a"}}')],
  ])('keeps a tool call with %s as a call without a name', (_, params) => {
    expect(parseMessage(call('tools/call', params))).toEqual({
      kind: 'operations',
      operations: [{ kind: 'tools', name: undefined }],
    })
  })

  it.each(['initialize', 'tools/list', 'ping', 'TOOLS/CALL', 'tools/call '])(
    'finds no operation in %j',
    (method) => {
      expect(parseMessage(call(method, { name: 'a' }))).toEqual({
        kind: 'operations',
        operations: [],
      })
    },
  )

  it('finds every operation of a batch, answers among them included', () => {
    const batch = [
      call('tools/call', { name: 'a' }),
      { jsonrpc: '2.0', id: 2, result: {} },
      call('prompts/get', { name: 'p' }),
    ]
    expect(parseMessage(batch)).toEqual({
      kind: 'operations',
      operations: [
        { kind: 'tools', name: 'a' },
        { kind: 'prompts', name: 'p' },
      ],
    })
  })

  it.each([
    ['an empty batch', []],
    ['a batch in a batch', [[call('tools/call', { name: 'a' })]]],
    ['a text', 'tools/call'],
    ['null', null],
    ['a method that is no text', { method: ['tools/call'] }],
    ['one bad message behind a good one', [call('ping'), 1]],
  ])('cannot read %s', (_, body) => {
    expect(parseMessage(body)).toMatchObject({ kind: 'unreadable' })
  })
})

describe('parseMessageBytes() and parseMessageText()', () => {
  const operation = { kind: 'operations', operations: [{ kind: 'tools', name: 'a' }] }

  it('reads UTF-8 with and without a byte order mark', () => {
    const text = JSON.stringify(call('tools/call', { name: 'a' }))
    const bytes = new TextEncoder().encode(text)
    expect(parseMessageBytes(bytes)).toEqual(operation)
    expect(parseMessageBytes(new Uint8Array([0xef, 0xbb, 0xbf, ...bytes]))).toEqual(operation)
    expect(parseMessageText(`\ufeff${text}`)).toEqual(operation)
  })

  it('takes the last of repeated members, as JSON.parse of the handler does', () => {
    const text = '{"method":"ping","method":"tools/call","params":{"name":"b","name":"a"}}'
    expect(parseMessageText(text)).toEqual(operation)
  })

  it.each(['', '{', 'null x', '{"method":"ping"}\n{"method":"ping"}'])('cannot read %j', (text) => {
    expect(parseMessageText(text)).toEqual({ kind: 'unreadable', reason: 'body_not_json' })
  })

  it('cannot read UTF-16', () => {
    const bytes = new Uint8Array(Buffer.from('{"method":"ping"}', 'utf16le'))
    expect(parseMessageBytes(bytes)).toMatchObject({ kind: 'unreadable' })
  })
})

describe('unreadableEncoding()', () => {
  it.each([
    [undefined, 'application/json'],
    ['identity', 'application/json; charset=utf-8'],
    ['', 'application/json; charset="UTF-8"'],
    [undefined, undefined],
  ])('is content with encoding %j and type %j', (encoding, type) => {
    expect(unreadableEncoding(encoding, type)).toBeUndefined()
  })

  it.each([
    ['gzip', 'application/json', 'body_compressed'],
    ['identity, br', 'application/json', 'body_compressed'],
    [undefined, 'application/json; charset=utf-16', 'body_charset'],
    [undefined, 'application/json;CHARSET=latin1', 'body_charset'],
    [undefined, 'application/json; charset=', 'body_charset'],
  ])('refuses encoding %j and type %j', (encoding, type, reason) => {
    expect(unreadableEncoding(encoding, type)).toBe(reason)
  })
})
