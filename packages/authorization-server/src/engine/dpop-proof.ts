import { calculateJwkThumbprint, decodeProtectedHeader } from 'jose'
import type { EndpointRequest } from './http.js'

/** Algorithms of the proofs that we take. */
export const PROOF_ALGORITHMS = ['ES256', 'RS256', 'EdDSA', 'Ed25519'] as const

const MAX_LENGTH = 8192

/** The proof of a request; several arrive joined, and are no proof. */
export function readProof({ headers }: EndpointRequest): string | undefined {
  return typeof headers.dpop === 'string' ? headers.dpop : undefined
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
