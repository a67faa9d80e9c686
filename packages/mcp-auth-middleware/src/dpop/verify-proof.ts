import type { JWTPayload } from 'jose'
import { EmbeddedJWK } from 'jose/jwk/embedded'
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint'
import { jwtVerify } from 'jose/jwt/verify'
import { sha256 } from '../runtime.js'

/** Algorithms that proofs may have. */
export type ProofAlgorithm = 'ES256' | 'ES384' | 'RS256' | 'PS256' | 'EdDSA' | 'Ed25519'

/** What a proof is compared with. */
export interface ExpectedProof {
  readonly method: string
  /** URL of the request without query and fragment. */
  readonly url: URL
  readonly accessToken: string
  readonly algorithms: readonly ProofAlgorithm[]
  /** Oldest proof, in seconds. */
  readonly maxAgeSeconds: number
  /** Epoch milliseconds. */
  readonly now: number
}

/** A proof that is good, as far as it alone can tell. */
export interface VerifiedProof {
  /** SHA-256 thumbprint of its key (RFC 7638). */
  readonly thumbprint: string
  /** Its `jti`, unique for its key. */
  readonly id: string
  /** Epoch milliseconds from which it is too old. */
  readonly usableUntil: number
}

const MAX_PROOF_LENGTH = 8192
const MAX_ID_LENGTH = 256
/** A clock ahead of ours, in seconds. */
const CLOCK_TOLERANCE = 10

function isFor(htu: unknown, { href }: URL): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false
  const url = new URL(htu)
  url.search = ''
  url.hash = ''
  return url.href === href
}

async function verifySignature(
  proof: string,
  { algorithms, now }: ExpectedProof,
): Promise<{ readonly payload: JWTPayload; readonly thumbprint: string } | undefined> {
  try {
    // Takes public keys only: a private or symmetric one in the header is refused there.
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...algorithms],
      typ: 'dpop+jwt',
      currentDate: new Date(now),
      clockTolerance: CLOCK_TOLERANCE,
    })
    const { jwk } = protectedHeader
    if (jwk === undefined) return undefined
    return { payload, thumbprint: await calculateJwkThumbprint(jwk) }
  } catch {
    return undefined
  }
}

/**
 * Verifies a DPoP proof: type, algorithm, signature by the public key in its header, method, URL, access
 * token and time. Does not know whether it was used before, nor whether the token is bound to its key.
 * `undefined` for every proof that is not acceptable.
 *
 * @see RFC 9449 section 4.3
 */
export async function verifyDpopProof(
  proof: string,
  expected: ExpectedProof,
): Promise<VerifiedProof | undefined> {
  if (proof.length > MAX_PROOF_LENGTH) return undefined
  const verified = await verifySignature(proof, expected)
  if (verified === undefined) return undefined
  const { htm, htu, ath, iat, jti } = verified.payload
  if (htm !== expected.method || !isFor(htu, expected.url)) return undefined
  if (ath !== (await sha256(expected.accessToken))) return undefined
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_ID_LENGTH) return undefined
  // Written so that NaN, from a broken clock, refuses.
  const age = expected.now / 1000 - Number(iat)
  if (typeof iat !== 'number' || !(age <= expected.maxAgeSeconds && age >= -CLOCK_TOLERANCE)) {
    return undefined
  }
  const usableUntil = (iat + expected.maxAgeSeconds) * 1000
  return { thumbprint: verified.thumbprint, id: jti, usableUntil }
}
