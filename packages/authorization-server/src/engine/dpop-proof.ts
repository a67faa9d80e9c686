import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from 'jose'
import type { EndpointRequest } from './http.js'

/** Algorithms of the proofs that we take. */
export const PROOF_ALGORITHMS = ['ES256', 'RS256', 'EdDSA', 'Ed25519'] as const

/** Seconds by which the time of a proof may differ from ours. */
const WINDOW_SECONDS = 60
const MAX_LENGTH = 8192
const MAX_ID = 512

/** A proof whose signature, target and time are good. */
export interface DpopProof {
  /** Thumbprint of its key. */
  readonly jkt: string
  /** Unique per proof; whoever takes one must not take it again. */
  readonly jti: string
  /** Epoch seconds after which a proof with this id would be too old. */
  readonly usableUntil: number
}

/** The proof of a request; several arrive joined, and are no proof. */
export function readProof({ headers }: EndpointRequest): string | undefined {
  return typeof headers.dpop === 'string' ? headers.dpop : undefined
}

function withoutQuery(text: unknown): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined
  const { origin, pathname } = new URL(text)
  return origin + pathname
}

/**
 * Verifies that a request comes from the holder of a key. That the proof was not used before is the
 * caller's to find out. `undefined` for every proof that is not acceptable.
 *
 * @see RFC 9449 section 4.3
 */
export async function verifyDpopProof(
  proof: string,
  expected: {
    readonly method: string
    readonly url: string
    readonly accessToken: string
    /** Epoch milliseconds. */
    readonly now: number
  },
): Promise<DpopProof | undefined> {
  if (proof.length > MAX_LENGTH) return undefined
  const verified = await jwtVerify(proof, EmbeddedJWK, {
    algorithms: [...PROOF_ALGORITHMS],
    typ: 'dpop+jwt',
    currentDate: new Date(expected.now),
    clockTolerance: WINDOW_SECONDS,
  }).catch(() => undefined)
  if (verified === undefined) return undefined
  const { jti, iat, htm, htu, ath } = verified.payload
  const hash = createHash('sha256').update(expected.accessToken).digest('base64url')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_ID) return undefined
  if (typeof iat !== 'number' || Math.abs(expected.now / 1000 - iat) > WINDOW_SECONDS) {
    return undefined
  }
  if (htm !== expected.method || withoutQuery(htu) !== expected.url || ath !== hash) {
    return undefined
  }
  const { jwk } = verified.protectedHeader
  if (jwk === undefined) return undefined
  return {
    jkt: await calculateJwkThumbprint(jwk),
    jti,
    usableUntil: Math.ceil(iat + WINDOW_SECONDS * 2),
  }
}

/** Thumbprint of the key that a proof names, whose signature others verify. Empty when there is none. */
export async function proofThumbprint(proof: string | undefined): Promise<string> {
  if (proof === undefined || proof.length > MAX_LENGTH) return ''
  try {
    const { jwk } = decodeProtectedHeader(proof)
    return jwk === undefined ? '' : await calculateJwkThumbprint(jwk)
  } catch {
    return ''
  }
}
