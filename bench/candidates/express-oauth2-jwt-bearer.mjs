import { auth } from 'express-oauth2-jwt-bearer'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'

export function create({ jwksUri }) {
  return auth({ issuer: ISSUER, jwksUri, audience: RESOURCE, tokenSigningAlg: 'RS256' })
}
