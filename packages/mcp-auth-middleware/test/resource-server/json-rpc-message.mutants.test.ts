import { describe, expect, it } from 'vitest'
import { parseMessage, unreadableEncoding } from '../../src/resource-server/json-rpc-message.js'

const listen = (params: unknown) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'subscriptions/listen',
  params,
})
const resource = (name: string | undefined) => ({ kind: 'resources', name })

describe('parseMessage()', () => {
  it.each([
    ['each resource of a list', { resourceSubscriptions: ['x://1', 'x://2'] }, ['x://1', 'x://2']],
    ['a resource that is no list', { resourceSubscriptions: 'x://1' }, ['x://1']],
    ['a resource that is no text', { resourceSubscriptions: ['x://1', 7] }, ['x://1', undefined]],
    ['an object in place of the list', { resourceSubscriptions: {} }, [undefined]],
    ['no resource in an empty list', { resourceSubscriptions: [] }, []],
    ['no resource where none is named', { toolsListChanged: true }, []],
    ['no resource in notifications that are no object', ['x://1'], []],
  ])('finds %s to which a client subscribes', (_, notifications, names) => {
    expect(parseMessage(listen({ notifications }))).toEqual({
      kind: 'operations',
      operations: names.map(resource),
    })
  })

  it.each([undefined, null, 'x', []])('finds no subscription in the parameters %j', (params) => {
    expect(parseMessage(listen(params))).toEqual({ kind: 'operations', operations: [] })
  })

  it.each([
    ['batch_empty', []],
    ['message_not_object', ['tools/call']],
    ['method_not_string', { method: 7 }],
    ['method_not_string', { method: undefined }],
    ['not_a_message', {}],
    ['not_a_message', { jsonrpc: '2.0', id: 1, params: { name: 'a' } }],
    ['not_a_message', JSON.parse('{"__proto__":{"method":"ping"}}')],
  ])('says %s of %j', (reason, body) => {
    expect(parseMessage(body)).toEqual({ kind: 'unreadable', reason })
  })

  it.each([{ method: 'ping' }, { result: {} }, { error: { code: 1 } }])('reads %j', (body) => {
    expect(parseMessage(body)).toEqual({ kind: 'operations', operations: [] })
  })
})

describe('unreadableEncoding()', () => {
  it.each([
    [' identity ', undefined],
    ['IDENTITY', 'application/json; charset = utf-8'],
    [' ', 'application/json; charset=utf8; x=y'],
    [undefined, 'application/json; charset=us-ascii'],
  ])('is content with encoding %j and type %j', (encoding, type) => {
    expect(unreadableEncoding(encoding, type)).toBeUndefined()
  })

  it.each([
    'charset =utf-16',
    'charset= utf-16',
    'charset="utf-16"',
    'charset=utf-8x',
    'charset=xutf-8',
    'x="charset=utf-8"; charset=utf-7',
  ])('refuses application/json; %s', (parameter) => {
    expect(unreadableEncoding(undefined, `application/json; ${parameter}`)).toBe('body_charset')
  })

  it.each(['identityx', 'xidentity', 'identity identity'])('refuses encoding %j', (encoding) => {
    expect(unreadableEncoding(encoding, 'application/json')).toBe('body_compressed')
  })
})
