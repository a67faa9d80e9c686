import { createHash, randomUUID } from 'node:crypto'
import { encodeSegment, type JsonMembers, signInput } from './compact-jws.js'
import { epochSeconds, type IssuerContext } from './issuer-context.js'
import type { SigningKey } from './signing-keys.js'

/** Client named in tokens that no client asked for. */
const DEFAULT_CLIENT_ID = 'test-client'

/** `aud` as a token carries it: one value is a string, several are a list (RFC 7519 section 4.1.3). */
export function audienceClaim(audience: readonly string[]): string | readonly string[] | undefined {
  return audience.length > 1 ? audience : audience[0]
}

/** Claims of an access token (RFC 9068 section 2.2). Overrides that are `undefined` remove a claim. */
export function accessTokenClaims(
  context: IssuerContext,
  overrides: JsonMembers = {},
): JsonMembers {
  const { audience, scopes, subject, email, accessTokenLifetimeSeconds } = context.settings
  const issuedAt = epochSeconds(context)
  return {
    iss: context.issuer(),
    sub: subject,
    aud: audienceClaim(audience),
    client_id: DEFAULT_CLIENT_ID,
    iat: issuedAt,
    exp: issuedAt + accessTokenLifetimeSeconds,
    jti: randomUUID(),
    ...(scopes !== undefined && scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(email !== undefined && { email, email_verified: true }),
    ...overrides,
  }
}

/** Header of an access token signed by the given key (RFC 9068 section 2.1). */
export function accessTokenHeader(context: IssuerContext, key: SigningKey): JsonMembers {
  return { alg: context.settings.algorithm, typ: 'at+jwt', kid: key.kid }
}

/** Signs a payload with the algorithm that the header names. */
export function signToken(header: JsonMembers, payload: unknown, key: SigningKey): string {
  const input = `${encodeSegment(header)}.${encodeSegment(payload)}`
  return `${input}.${signInput(String(header.alg), key.privateKey, input).toString('base64url')}`
}

/** Signs an access token with the current key. */
export async function issueAccessToken(
  context: IssuerContext,
  claims: JsonMembers,
  header: JsonMembers = {},
): Promise<string> {
  const key = await context.keys.current()
  return signToken({ ...accessTokenHeader(context, key), ...header }, claims, key)
}

/** Left half of a token's digest, for `at_hash` (OpenID Connect Core section 3.1.3.6). */
export function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')
}

/**
 * Reads an access token of this issuer that is signed by a published key, has not expired and was not
 * revoked; `undefined` for every other string.
 */
export async function readAccessToken(
  context: IssuerContext,
  token: string,
): Promise<JsonMembers | undefined> {
  const [header = '', payload = '', signature, ...rest] = token.split('.')
  if (signature === undefined || rest.length > 0) return undefined
  const { alg, typ, kid } = parseSegment(header)
  if (alg !== context.settings.algorithm || typ !== 'at+jwt') return undefined

  const bytes = Buffer.from(signature, 'base64url')
  if (!(await context.keys.verify(kid, `${header}.${payload}`, bytes))) return undefined
  const claims = parseSegment(payload)
  if (typeof claims.exp !== 'number' || claims.exp <= epochSeconds(context)) return undefined
  return context.grants.isRevoked(claims.jti) ? undefined : claims
}

function parseSegment(segment: string): JsonMembers {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
