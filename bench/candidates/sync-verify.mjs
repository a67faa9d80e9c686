import { createPublicKey, verify } from 'node:crypto'
import { ISSUER, KID, RESOURCE, readFixture } from '../lib/fixture.mjs'
import { bearer } from './bearer.mjs'

function parse(segment) {
  return JSON.parse(Buffer.from(segment, 'base64url').toString())
}

/** The same checks as {@link create}, for whoever needs no middleware. */
export function createSyncVerify(publicKeyPem) {
  const key = createPublicKey(publicKeyPem)
  return (token) => {
    const [header, payload, signature, ...rest] = token.split('.')
    if (signature === undefined || rest.length > 0) throw new Error('malformed')
    const { alg, kid, typ } = parse(header)
    if (alg !== 'RS256' || kid !== KID || typ !== 'at+jwt') throw new Error('header')
    const claims = parse(payload)
    if (claims.iss !== ISSUER || claims.aud !== RESOURCE) throw new Error('claims')
    if (claims.exp * 1000 <= Date.now()) throw new Error('expired')
    const input = Buffer.from(`${header}.${payload}`)
    if (!verify('sha256', input, key, Buffer.from(signature, 'base64url'))) {
      throw new Error('signature')
    }
    return claims
  }
}

/** The floor without a cache: one synchronous signature check, after the claims that cost nothing. */
export function create({ fixturePath }) {
  return bearer(createSyncVerify(readFixture(fixturePath).publicKeyPem))
}
