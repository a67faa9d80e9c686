import { JwtVerifier } from 'aws-jwt-verify'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'
import { bearer } from './bearer.mjs'

/** Fetches over plain http, which its own fetcher refuses. */
const fetcher = {
  async fetch(uri) {
    const response = await fetch(uri)
    if (!response.ok) throw new Error(`status ${response.status}`)
    return response.arrayBuffer()
  },
}

export function create({ jwksUri }) {
  const verifier = JwtVerifier.create(
    { issuer: ISSUER, audience: RESOURCE, jwksUri, scope: null },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  )
  return bearer((token) => verifier.verify(token))
}
