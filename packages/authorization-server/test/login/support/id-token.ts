import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import type { OpenidProvider } from './openid-provider.js'

function idTokenClaims(provider: OpenidProvider, nonce: string | undefined) {
  const now = Math.floor(provider.now() / 1000)
  const claims: Record<string, unknown> = {
    iss: provider.issuer,
    aud: provider.clientId,
    sub: 'subject-1',
    iat: now,
    exp: now + 3600,
    nonce,
    ...provider.claims,
    ...provider.faults.claims,
  }
  for (const [name, offset] of Object.entries(provider.faults.times ?? {})) {
    claims[name] = now + offset
  }
  return JSON.parse(JSON.stringify(claims)) as Record<string, unknown>
}

/** Signs an ID token as the provider would, or as one of its faults says. */
export async function signIdToken(
  provider: OpenidProvider,
  nonce: string | undefined,
): Promise<string> {
  const { signature, header } = provider.faults
  const claims = idTokenClaims(provider, nonce)
  const jwt = (alg: string) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'k1', typ: 'JWT', ...header })
  if (signature === 'none') return new UnsecuredJWT(claims).encode()
  if (signature === 'hs256-client-secret') {
    return jwt('HS256').sign(new TextEncoder().encode(provider.clientSecret))
  }
  if (signature === 'other-key')
    return jwt('RS256').sign((await generateKeyPair('RS256')).privateKey)
  const token = await jwt('RS256').sign(provider.privateKey)
  if (signature !== 'flipped') return token
  const at = token.lastIndexOf('.') + 10
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}
