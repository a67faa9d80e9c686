import { compactVerify } from 'jose/jws/compact/verify'
import type { JwsAlgorithm } from './algorithms.js'
import type { KeyCandidate } from './held-keys.js'

/**
 * Checks the signature of a compact JWS with each candidate in turn. Only jose's verdict counts: the
 * keys were imported for exactly this algorithm before.
 */
export async function verifySignature(
  token: string,
  alg: JwsAlgorithm,
  candidates: readonly KeyCandidate[],
): Promise<boolean> {
  for (const { key } of candidates) {
    try {
      await compactVerify(token, key, { algorithms: [alg] })
      return true
    } catch {
      // Every error here is about this token and this key; nothing is fetched in this step.
    }
  }
  return false
}
