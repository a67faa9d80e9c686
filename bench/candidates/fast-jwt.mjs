import { createVerifier } from 'fast-jwt'
import { ISSUER, RESOURCE, readFixture } from '../lib/fixture.mjs'
import { bearer } from './bearer.mjs'

/** fast-jwt with a static key and its cache, the only peer that remembers verified tokens. */
export function create({ fixturePath }) {
  const { publicKeyPem } = readFixture(fixturePath)
  const verify = createVerifier({
    key: publicKeyPem,
    algorithms: ['RS256'],
    allowedIss: ISSUER,
    allowedAud: RESOURCE,
    cache: 1000,
  })
  return bearer(verify)
}
