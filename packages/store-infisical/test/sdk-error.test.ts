import { describe, expect, it } from 'vitest'
import {
  isOutage,
  isTokenRefusal,
  missingPermission,
  parseSdkError,
  type SdkFailure,
} from '../src/sdk-error.js'
import { errorCases, missingContractData } from './contract-data.js'

function answered(status: number, text: string): SdkFailure {
  return { kind: 'answered', status, text }
}

const UNREACHABLE: SdkFailure = { kind: 'unreachable' }
const UNKNOWN: SdkFailure = { kind: 'unknown' }

/** What each recorded error has to be read as. */
const EXPECTED: Readonly<Record<string, SdkFailure>> = {
  'auth.universalAuth.renew before login': UNKNOWN,
  'get 400 exists': answered(400, 'Secret already exists'),
  'get 401': answered(401, 'Token missing'),
  'get 403 TokenError': answered(403, 'Your token has expired. Please re-authenticate.'),
  'get 403 PermissionDenied': answered(403, 'You are not allowed to read on secrets'),
  'get 404 secret': answered(404, "Secret with name 'K' not found"),
  'get 404 folder': answered(
    404,
    "Folder with path '/mcp/coda' in environment with slug 'prod' not found",
  ),
  'get 422': answered(422, ''),
  'get 500': answered(500, 'Something went wrong'),
  'get 502 html': answered(502, ''),
  'get 204 empty': UNKNOWN,
  'get 302 loop': UNREACHABLE,
  'get 429 forever (retry-after: 33)': answered(
    429,
    'Rate limit exceeded. Please try again in 33 seconds',
  ),
  'create, connection reset forever': UNREACHABLE,
  'create, server never answers': UNREACHABLE,
  'get, connection refused': UNREACHABLE,
  'login, 401 Invalid credentials': answered(401, 'Invalid credentials'),
}

// Written down with its URL left out, which no error of the SDK is.
const SHORTENED = ['get after login, 403 TokenError']

describe.skipIf(missingContractData !== undefined)('parseSdkError() on recorded errors', () => {
  const recorded = errorCases().filter(({ result }) => !result.ok)

  it('has an expectation for every recorded error', () => {
    const names = recorded.map(({ stimulus }) => stimulus)
    expect([...Object.keys(EXPECTED), ...SHORTENED].sort()).toEqual(names.sort())
  })

  it.each(Object.entries(EXPECTED))('reads: %s', (stimulus, expected) => {
    const found = recorded.find((each) => each.stimulus === stimulus)?.result
    const message = found?.ok === false ? found.message : ''
    expect(parseSdkError(new Error(message))).toEqual(expected)
  })
})

describe('parseSdkError()', () => {
  it('reads an error whose URL holds a bracket and whose text has line ends', () => {
    const message = '[URL=http://[::1]:8080/a?b=[c]] [Method=PATCH] [StatusCode=500] one\ntwo'
    expect(parseSdkError(new Error(message))).toEqual(answered(500, 'one\ntwo'))
  })

  it.each([
    ['two digits', '[URL=x] [Method=GET] [StatusCode=40] y'],
    ['no method', '[URL=x] [StatusCode=404] y'],
    ['text in front', 'x [URL=x] [Method=GET] [StatusCode=404] y'],
    ['a status in other words', 'Request failed with status 404 or so'],
    ['nothing', ''],
  ])('does not guess a status from %s', (_title, message) => {
    expect(parseSdkError(new Error(message))).toEqual(UNKNOWN)
  })

  it('does not trip over what is no error', () => {
    for (const value of [undefined, null, 'fetch failed', 7]) {
      expect(parseSdkError(value)).toEqual(UNKNOWN)
    }
  })
})

describe('isTokenRefusal()', () => {
  it.each([
    [401, 'Token missing'],
    [401, 'No identity access token found'],
    [401, 'Unable to renew because access token number of uses limit reached'],
    [403, 'Your token has expired. Please re-authenticate.'],
    [403, 'invalid signature'],
    [
      403,
      'The provided access token is malformed. Please use a valid token or generate a new one and try again.',
    ],
  ])('recognises %i %s', (status, text) => {
    expect(isTokenRefusal(answered(status, text))).toBe(true)
  })

  it.each([
    [403, 'You are not allowed to read on secrets'],
    [403, "You do not have permission to view secret value on secret with name 'TOKEN'"],
    [404, 'Your token has expired. Please re-authenticate.'],
    [500, 'invalid signature'],
  ])('does not take %i %s for one', (status, text) => {
    expect(isTokenRefusal(answered(status, text))).toBe(false)
  })
})

describe('isOutage()', () => {
  it.each([429, 500, 502, 504])('is true for %i', (status) => {
    expect(isOutage(answered(status, ''))).toBe(true)
  })

  it.each([400, 401, 403, 404, 422])('is false for %i', (status) => {
    expect(isOutage(answered(status, ''))).toBe(false)
  })
})

describe('missingPermission()', () => {
  it.each([
    ['You are not allowed to describeSecret on secrets', 'describeSecret on secrets'],
    [
      "You do not have permission to view secret value on secret with name 'K'",
      'read the value of secrets',
    ],
    ['something else', 'the fallback'],
    ['You are not allowed to "quote" on secrets', 'the fallback'],
  ])('reads %s', (text, expected) => {
    expect(missingPermission(text, 'the fallback')).toBe(expected)
  })
})
