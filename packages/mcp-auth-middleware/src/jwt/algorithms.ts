/**
 * Signature algorithms that can be verified. Symmetric ones are left out on purpose: a resource server
 * that can verify them can also forge tokens.
 */
export const JWS_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** One of {@link JWS_ALGORITHMS}. */
export type JwsAlgorithm = (typeof JWS_ALGORITHMS)[number]

const KNOWN: ReadonlySet<string> = new Set(JWS_ALGORITHMS)

/** Tells whether a text names one of {@link JWS_ALGORITHMS}. */
export function isJwsAlgorithm(name: unknown): name is JwsAlgorithm {
  return typeof name === 'string' && KNOWN.has(name)
}
