import { describe, expect, it } from 'vitest'
import { parseBearerCredential } from '../../src/resource-server/bearer-token.js'
import { viewOf } from './fakes.js'

const parse = (authorization: string) => parseBearerCredential(viewOf({ authorization }))

describe('parseBearerCredential()', () => {
  it.each(['Basic bearer abc', '"bearer abc"', ' bearer abc', '"Bearer"', '; bearer', ''])(
    'T02 looks for the scheme at the beginning of %j alone',
    (header) => {
      expect(parse(header)).toEqual({ kind: 'absent' })
    },
  )

  it('says in events what is wrong with a header', () => {
    expect(parse('Bearer "abc"')).toMatchObject({ reason: 'authorization_malformed' })
    expect(parse('Bearer a, Bearer b')).toMatchObject({ reason: 'authorization_repeated' })
  })
})
