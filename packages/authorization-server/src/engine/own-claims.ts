import { createHash } from 'node:crypto'
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import type { KeyRing } from './key-ring.js'

/** What a JWT of ours says, once its signature and time are good. */
export interface OwnClaims {
  readonly jti: string
  /** Epoch seconds. */
  readonly expiresAt: number
  readonly subject: string
  readonly clientId: string
  readonly grantId: string | undefined
}

/** Reads a JWT; `undefined` when it is not ours, not an access token, or not valid now. */
export type OwnClaimsReader = (token: string) => Promise<OwnClaims | undefined>

interface Entry {
  readonly claims: OwnClaims
  /** Epoch milliseconds. */
  readonly storedAt: number
  readonly diesAt: number
}

/** Longest reuse of one check, in milliseconds. */
const LONGEST_REUSE = 300_000
/** Allowed clock difference, in seconds. */
const CLOCK_TOLERANCE = 10

function claimsOf({ jti, sub, exp, ...rest }: JWTPayload): OwnClaims | undefined {
  if (jti === undefined || sub === undefined || exp === undefined) return undefined
  const { client_id: clientId, grant_id: grantId } = rest
  return {
    jti,
    expiresAt: exp,
    subject: sub,
    clientId: String(clientId),
    grantId: typeof grantId === 'string' ? grantId : undefined,
  }
}

/**
 * Creates what reads our own JWTs by the keys of this process.
 *
 * A resource server asks for one token again and again, so a signature that was good is remembered by the
 * SHA-256 of the token: successes only, never a token, for 5 minutes and not beyond its end. A change of
 * the keys, or a clock that went back, ends it. Whether the token is revoked is not looked at.
 */
export function createOwnClaimsReader(options: {
  readonly keys: Pick<KeyRing, 'jwks' | 'onChange'>
  readonly issuer: string
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Most tokens to remember; the least recently used goes first. Default 10,000, about 5 MB. */
  readonly mostEntries?: number | undefined
}): OwnClaimsReader {
  const { keys, issuer, now, mostEntries = 10_000 } = options
  // The set imports a key once.
  const importKeys = () =>
    createLocalJWKSet({ keys: keys.jwks.keys.map((key) => ({ ...key }) as { kty: string }) })
  let current = { keySet: importKeys(), entries: new Map<string, Entry>() }
  keys.onChange(() => {
    current = { keySet: importKeys(), entries: new Map() }
  })

  async function verify(token: string, time: number): Promise<OwnClaims | undefined> {
    try {
      const { payload } = await jwtVerify(token, current.keySet, {
        issuer,
        typ: 'at+jwt',
        currentDate: new Date(time),
        clockTolerance: CLOCK_TOLERANCE,
      })
      return claimsOf(payload)
    } catch {
      return undefined
    }
  }

  return async (token) => {
    const time = now()
    // The keys that a check began with are those whose change ends it.
    const { entries } = current
    const key = createHash('sha256').update(token).digest('base64url')
    const known = entries.get(key)
    entries.delete(key)
    if (known !== undefined && time >= known.storedAt && time < known.diesAt) {
      // The one that was used last goes last.
      entries.set(key, known)
      return known.claims
    }
    const claims = await verify(token, time)
    if (claims === undefined) return undefined
    const end = (claims.expiresAt + CLOCK_TOLERANCE) * 1000
    const diesAt = Math.min(end, time + LONGEST_REUSE)
    entries.set(key, { claims, storedAt: time, diesAt })
    const [oldest] = entries.size > mostEntries ? entries.keys() : []
    if (oldest !== undefined) entries.delete(oldest)
    return claims
  }
}
