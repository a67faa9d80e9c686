import { describe, expect, it } from 'vitest'
import { parseBearerCredential } from '../../src/resource-server/bearer-token.js'
import { viewOf } from './fakes.js'

function parse(authorization: string, target = '/mcp') {
  return parseBearerCredential(viewOf({ authorization }, { target }))
}

describe('parseBearerCredential()', () => {
  it.each([
    ['the usual spelling', 'Bearer abc', 'abc'],
    ['T03 lower case', 'bearer abc', 'abc'],
    ['T03 upper case', 'BEARER abc', 'abc'],
    ['RFC 9110 several blanks', 'Bearer   abc', 'abc'],
    ['every character of b64token', 'Bearer aZ09-._~+/==', 'aZ09-._~+/=='],
  ])('reads %s', (_, header, token) => {
    expect(parse(header)).toEqual({ kind: 'present', token })
  })

  it.each([
    ['T01 no field', undefined],
    ['T01 an empty field', ''],
    ['T02 Basic', 'Basic YTpi'],
    ['T02 a scheme alone', 'Negotiate'],
    ['T11 Token', 'Token abc'],
    ['T26 DPoP', 'DPoP abc'],
    ['a scheme that begins with Bearer', 'Bearer2 abc'],
    ['no scheme at all', '"abc"'],
  ])('finds no credential in %s', (_, header) => {
    const view = viewOf(header === undefined ? {} : { authorization: header })
    expect(parseBearerCredential(view)).toEqual({ kind: 'absent' })
  })

  it.each([
    ['T04 the scheme alone', 'Bearer'],
    ['T04 the scheme and a blank', 'Bearer '],
    ['T06 a tab', 'Bearer\tabc'],
    ['T06 a no-break space', 'Bearer\u00a0abc'],
    ['T07 a token followed by junk', 'Bearer abc extra'],
    ['T11 a quoted token', 'Bearer "abc"'],
    ['T11 an equals sign instead of a blank', 'Bearer=abc'],
    ['T22 a quote and a backslash', 'Bearer a"b\\c'],
    ['T22 markup', 'Bearer <script>'],
    ['T23 bytes beyond ASCII', 'Bearer \u00ff\u00fe'],
    ['padding only', 'Bearer =='],
    ['padding in the middle', 'Bearer a=b'],
    ['a line break', 'Bearer abc\n'],
  ])('refuses %s with 401', (_, header) => {
    expect(parse(header)).toMatchObject({ kind: 'malformed', status: 401 })
  })

  it('T09 refuses repeated fields with 400, whichever comes first', () => {
    const raw = ['Authorization', 'Bearer good', 'authorization', 'Bearer bad']
    const view = viewOf({ authorization: 'Bearer good' }, { raw })
    expect(parseBearerCredential(view)).toMatchObject({
      kind: 'malformed',
      status: 400,
      reason: 'authorization_repeated',
    })
  })

  it('T09 refuses a field behind an empty one', () => {
    const raw = ['Authorization', '', 'authorization', 'Bearer good']
    const view = viewOf({ authorization: '' }, { raw })
    expect(parseBearerCredential(view)).toMatchObject({ kind: 'malformed', status: 400 })
  })

  it('T09 refuses fields that a web-standard host merged into one', () => {
    expect(parse('Bearer good, Bearer bad')).toMatchObject({ kind: 'malformed', status: 400 })
  })

  it('does not count another field whose value is the name', () => {
    const raw = ['Authorization', 'Bearer abc', 'X-Note', 'authorization']
    const view = viewOf({ authorization: 'Bearer abc' }, { raw })
    expect(parseBearerCredential(view)).toMatchObject({ kind: 'present' })
  })

  it.each([
    ['as it is', '/mcp?access_token=x'],
    ['percent-encoded', '/mcp?a=1&%61ccess_token=x'],
    ['empty', '/mcp?access_token'],
  ])('T16 refuses a token in the query %s beside the header', (_, target) => {
    expect(parse('Bearer abc', target)).toEqual({
      kind: 'malformed',
      status: 400,
      reason: 'two_methods',
    })
  })

  it('T15 never reads a token from the query', () => {
    const view = viewOf({}, { target: '/mcp?access_token=good' })
    expect(parseBearerCredential(view)).toEqual({ kind: 'absent' })
  })

  it('leaves a parameter alone whose name only contains access_token', () => {
    expect(parse('Bearer abc', '/mcp?x_access_token=1')).toMatchObject({ kind: 'present' })
  })

  it.each([
    ['blanks', ' '],
    ['equals signs', '='],
    ['letters', 'a'],
  ])('P02 looks at each of many %s once', (_name, character) => {
    const headers = [5_000, 50_000].map((length) => `Bearer ${character.repeat(length)}!`)
    const best = headers.map(() => Number.POSITIVE_INFINITY)
    for (let round = 0; round < 20; round += 1) {
      for (const [index, header] of headers.entries()) {
        const started = process.cpuUsage()
        for (let time = 0; time < 50; time += 1) parse(header)
        const { user, system } = process.cpuUsage(started)
        best[index] = Math.min(best[index] ?? 0, user + system)
      }
    }
    const [short = 0, long = 0] = best
    // Ten times as long takes ten times as long, and a hundred where it is looked at again and again.
    expect(long).toBeLessThanOrEqual(Math.max(40 * short, 20_000))
  })
})
