import { describe, expect, it } from 'vitest'
import {
  createRefusals,
  PLAIN_REFUSALS,
  type ResponseOutcome,
  unavailable,
  withHeaders,
  withoutChallenge,
} from '../../src/resource-server/responses.js'

const METADATA = 'https://mcp.test/.well-known/oauth-protected-resource/mcp'

/** What a client reads, once the headers that every refusal has were checked. */
function read({ status, headers, body, kind }: ResponseOutcome) {
  const {
    'content-type': type,
    'content-length': length,
    'cache-control': cache,
    ...rest
  } = headers
  expect(kind).toBe('response')
  expect([type, cache]).toEqual(['application/json', 'no-store'])
  expect(length).toBe(String(Buffer.byteLength(body)))
  return { status, rest, body: JSON.parse(body) as unknown }
}

describe('PLAIN_REFUSALS', () => {
  it.each([
    ['forbidden', 403, 'access_denied', 'This caller is not allowed to use this resource.', {}],
    [
      'hostForbidden',
      403,
      'access_denied',
      'The Host or Origin of the request is not allowed here.',
      {},
    ],
    ['sessionUnknown', 404, 'not_found', 'This session does not exist.', {}],
    ['notFound', 404, 'not_found', 'There is nothing at this address.', {}],
    [
      'messageUnreadable',
      400,
      'invalid_request',
      'The body is not a JSON-RPC message that can be authorized.',
      {},
    ],
    [
      'messageTooLarge',
      413,
      'invalid_request',
      'The body is larger than this resource accepts.',
      { connection: 'close' },
    ],
    ['messageEncoding', 415, 'invalid_request', 'Send the body as uncompressed UTF-8 JSON.', {}],
    [
      'methodNotAllowed',
      405,
      'invalid_request',
      'This document is read with GET.',
      { allow: 'GET, HEAD, OPTIONS' },
    ],
  ] as const)('%s is %d %s', (name, status, error, error_description, rest) => {
    expect(read(PLAIN_REFUSALS[name])).toEqual({ status, rest, body: { error, error_description } })
  })

  it('says nothing about an error of the server', () => {
    const expected = { status: 500, rest: {}, body: { error: 'server_error' } }
    expect(read(PLAIN_REFUSALS.serverError)).toEqual(expected)
  })
})

describe('unavailable()', () => {
  it.each([
    [0, '1'],
    [0.2, '1'],
    [1, '1'],
    [1.2, '2'],
    [59.5, '60'],
    [60, '60'],
    [61, '60'],
    [-5, '1'],
    [Number.NaN, '1'],
    [Number.POSITIVE_INFINITY, '60'],
  ])('asks to come back after %d s: %s', (seconds, retryAfter) => {
    expect(read(unavailable(seconds))).toEqual({
      status: 503,
      rest: { 'retry-after': retryAfter },
      body: { error: 'temporarily_unavailable' },
    })
  })
})

describe('createRefusals()', () => {
  const refusals = createRefusals({
    resourceMetadata: METADATA,
    scope: ['first', 'second'],
    realm: 'MCP',
    resourceMetadataUri: true,
  })
  const metadata = `resource_metadata="${METADATA}", resource_metadata_uri="${METADATA}"`
  const challengeOf = (text: string) => ({ 'www-authenticate': `Bearer realm="MCP", ${text}` })

  it('names no error to who sent no token', () => {
    expect(read(refusals.unauthenticated)).toEqual({
      status: 401,
      rest: challengeOf(`scope="first second", ${metadata}`),
      body: {
        error: 'unauthorized',
        error_description:
          'This resource needs an access token: send it as "Authorization: Bearer <token>".',
      },
    })
  })

  it.each([
    [
      'malformed',
      401,
      'invalid_token',
      'scope="first second", ',
      'The Authorization header is not of the form Bearer <token>.',
    ],
    ['repeated', 400, 'invalid_request', '', 'Send exactly one credential by exactly one method.'],
    [
      'invalidToken',
      401,
      'invalid_token',
      'scope="first second", ',
      'The access token is expired, revoked or not meant for this resource.',
    ],
  ] as const)('%s is %d %s', (name, status, error, scope, error_description) => {
    const text = `error="${error}", ${scope}${metadata}, error_description="${error_description}"`
    expect(read(refusals[name])).toEqual({
      status,
      rest: challengeOf(text),
      body: { error, error_description },
    })
  })

  it('asks for the missing scopes only of who can get them', () => {
    const error = 'insufficient_scope'
    const error_description = 'The access token lacks a permission that this operation needs.'
    const text = `error="${error}", scope="write", ${metadata}, error_description="${error_description}"`
    const body = { error, error_description }
    expect(read(refusals.insufficientScope(['write'], true))).toEqual({
      status: 403,
      rest: challengeOf(text),
      body,
    })
    expect(read(refusals.insufficientScope(['write'], false))).toEqual({
      status: 403,
      rest: {},
      body,
    })
  })
})

describe('withHeaders() and withoutChallenge()', () => {
  const outcome: ResponseOutcome = {
    kind: 'response',
    status: 401,
    headers: { 'www-authenticate': 'Bearer', allow: 'GET' },
    body: '{}',
  }

  it('add headers to a copy', () => {
    expect(withHeaders(outcome, { vary: 'origin', allow: 'POST' })).toEqual({
      ...outcome,
      headers: { 'www-authenticate': 'Bearer', allow: 'POST', vary: 'origin' },
    })
    expect(outcome.headers.allow).toBe('GET')
    expect(withHeaders(outcome, undefined)).toBe(outcome)
  })

  it('take the challenge out of a copy', () => {
    expect(withoutChallenge(outcome)).toEqual({ ...outcome, headers: { allow: 'GET' } })
    expect(outcome.headers['www-authenticate']).toBe('Bearer')
  })
})
