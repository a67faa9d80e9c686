import type { CryptoKey } from 'jose'
import type { JwsAlgorithm } from './algorithms.js'
import type { VerificationKey } from './jwk.js'

/** Most keys that one token is checked with, when its `kid` does not decide. */
export const MAX_CANDIDATES = 4

/** A key that may have signed a token. */
export interface KeyCandidate {
  readonly key: CryptoKey
  readonly issuer: string | undefined
  readonly identity: string
}

/** The keys of one successful load, indexed for look-ups. */
export interface HeldKeys {
  /** Candidates by algorithm and `kid`; without `kid` every key that fits the algorithm. */
  find(alg: JwsAlgorithm, kid: string | undefined): readonly KeyCandidate[] | undefined
  hasKid(kid: string): boolean
  /** Whether every key of these is also held by the other set. */
  isContainedIn(other: HeldKeys): boolean
  has(identity: string): boolean
}

/**
 * Indexes keys. Several keys with one `kid`, or a token without `kid`, are legal: the first
 * {@link MAX_CANDIDATES} keys that fit the algorithm are tried, in the order of the JWK Set.
 */
export function holdKeys(keys: readonly VerificationKey[]): HeldKeys {
  const index = new Map<string, KeyCandidate[]>()
  const kids = new Set<string>()
  const identities = new Set<string>()
  const add = (name: string, candidate: KeyCandidate): void => {
    const candidates = index.get(name)
    if (candidates === undefined) index.set(name, [candidate])
    else if (candidates.length < MAX_CANDIDATES) candidates.push(candidate)
  }

  for (const { kid, issuer, identity, keys: byAlgorithm } of keys) {
    // The same key listed twice would only halve the room for candidates.
    if (identities.has(identity)) continue
    identities.add(identity)
    if (kid !== undefined) kids.add(kid)
    for (const [alg, key] of byAlgorithm) {
      const candidate = { key, issuer, identity }
      add(alg, candidate)
      // No algorithm name contains a blank, so no kid can be mistaken for "no kid".
      if (kid !== undefined) add(`${alg} ${kid}`, candidate)
    }
  }
  return {
    find: (alg, kid) => index.get(kid === undefined ? alg : `${alg} ${kid}`),
    hasKid: (kid) => kids.has(kid),
    isContainedIn: (other) => [...identities].every((identity) => other.has(identity)),
    has: (identity) => identities.has(identity),
  }
}
