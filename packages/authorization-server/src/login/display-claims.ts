import { readName, readPicture } from './account-text.js'
import type { VerifiedIdentity } from './login-provider.js'

/** The claims that are shown and never decide anything. */
export function readDisplayClaims(
  claims: Readonly<Record<string, unknown>>,
): Pick<VerifiedIdentity, 'name' | 'picture'> {
  return { name: readName(claims.name), picture: readPicture(claims.picture) }
}
