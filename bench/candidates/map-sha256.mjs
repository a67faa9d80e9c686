import { createHash, hash } from 'node:crypto'
import { readFixture } from '../lib/fixture.mjs'
import { bearer } from './bearer.mjs'

const digest =
  hash ?? ((_name, text, encoding) => createHash('sha256').update(text).digest(encoding))

/** The floor: SHA-256 of the token, a Map, the expiry. Knows the one token of the fixture. */
export function create({ fixturePath }) {
  const { tokens } = readFixture(fixturePath)
  const known = new Map(
    [tokens.valid].map((token) => [
      digest('sha256', token, 'base64url'),
      JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()),
    ]),
  )
  return bearer((token) => {
    const claims = known.get(digest('sha256', token, 'base64url'))
    if (claims === undefined || claims.exp * 1000 <= Date.now()) throw new Error('unknown token')
    return claims
  })
}
