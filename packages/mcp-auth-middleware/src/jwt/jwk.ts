import type { CryptoKey, JWK } from 'jose'
import * as base64url from 'jose/base64url'
import { importJWK } from 'jose/key/import'
import { isJwsAlgorithm, type JwsAlgorithm } from './algorithms.js'
import type { JsonObject } from './compact-jws.js'
import { hasRocaFingerprint } from './roca.js'

/** A public key that passed every check, imported once for each algorithm that it may verify. */
export interface VerificationKey {
  readonly kid: string | undefined
  /** The JWK's non-standard `issuer` member, by which some providers restrict a key. */
  readonly issuer: string | undefined
  readonly keys: ReadonlyMap<JwsAlgorithm, CryptoKey>
  /** Equal for equal keys, whatever the order of their members. */
  readonly identity: string
}

/** Why an entry of a JWK Set is not used. */
export interface UnusableKey {
  readonly unusable:
    | 'not_an_object'
    | 'kty_not_supported'
    | 'symmetric_key'
    | 'private_key'
    | 'use_not_sig'
    | 'key_ops_without_verify'
    | 'kid_invalid'
    | 'crv_not_supported'
    | 'alg_unknown'
    | 'alg_mismatch'
    | 'alg_not_allowed'
    | 'modulus_size'
    | 'exponent'
    | 'roca'
    | 'malformed_key'
  readonly kid: string | undefined
}

/** A JWK whose members were checked, but whose key material was not yet imported. */
interface CheckedJwk {
  readonly kid: string | undefined
  readonly issuer: string | undefined
  readonly algorithms: readonly JwsAlgorithm[]
  readonly material: JWK & { readonly kty: string }
}

const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const
const CURVES: ReadonlyMap<unknown, readonly JwsAlgorithm[]> = new Map<unknown, JwsAlgorithm[]>([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
])
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

function parseInteger(member: unknown): bigint | undefined {
  // Twice the largest accepted modulus; beyond it the arithmetic itself would cost too much.
  if (typeof member !== 'string' || !/^[\w-]{1,2800}$/.test(member)) return undefined
  try {
    let hex = '0x0'
    for (const byte of base64url.decode(member)) hex += byte.toString(16).padStart(2, '0')
    return BigInt(hex)
  } catch {
    return undefined
  }
}

function bitLength(value: bigint): number {
  return value.toString(2).length
}

/** Checks an RSA key. 8192 bits is where one signature check begins to cost milliseconds. */
function rsaProblem(jwk: JsonObject): UnusableKey['unusable'] | undefined {
  const modulus = parseInteger(jwk.n)
  const exponent = parseInteger(jwk.e)
  if (modulus === undefined || exponent === undefined) return 'malformed_key'
  const bits = bitLength(modulus)
  if (bits < 2048 || bits > 8192) return 'modulus_size'
  if (exponent < 65537n || exponent % 2n === 0n || bitLength(exponent) > 64) return 'exponent'
  return hasRocaFingerprint(modulus) ? 'roca' : undefined
}

/** The algorithms that a key type and curve can verify, and its public members alone. */
function describeKey(
  jwk: JsonObject,
):
  | { readonly algorithms: readonly JwsAlgorithm[]; readonly material: CheckedJwk['material'] }
  | UnusableKey['unusable'] {
  const { kty, crv, n, e, x, y } = jwk
  if (kty === 'oct') return 'symmetric_key'
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return 'private_key'
  if (kty === 'RSA') {
    const problem = rsaProblem(jwk)
    if (problem !== undefined) return problem
    return { algorithms: RSA_ALGORITHMS, material: { kty, n, e } as CheckedJwk['material'] }
  }
  if (kty === 'EC') {
    const algorithms = CURVES.get(crv)
    if (algorithms === undefined) return 'crv_not_supported'
    if (typeof x !== 'string' || typeof y !== 'string') return 'malformed_key'
    return { algorithms, material: { kty, crv, x, y } as CheckedJwk['material'] }
  }
  if (kty === 'OKP') {
    if (crv !== 'Ed25519') return 'crv_not_supported'
    if (typeof x !== 'string') return 'malformed_key'
    return { algorithms: ['EdDSA', 'Ed25519'], material: { kty, crv, x } }
  }
  return 'kty_not_supported'
}

/**
 * Checks one entry of a JWK Set without importing it: everything except whether its numbers are a key.
 *
 * With `alg` the key is used for that algorithm alone (RFC 8725 section 3.1); without it for what its
 * type and curve can do. Either way only for algorithms of the allow-list.
 */
export function checkJwk(
  entry: unknown,
  allowed: ReadonlySet<JwsAlgorithm>,
): CheckedJwk | UnusableKey {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return { unusable: 'not_an_object', kid: undefined }
  }
  const jwk = entry as JsonObject
  const { kid, use, key_ops: operations, alg, issuer } = jwk
  if (kid !== undefined && typeof kid !== 'string') {
    return { unusable: 'kid_invalid', kid: undefined }
  }
  const unusable = (reason: UnusableKey['unusable']): UnusableKey => ({ unusable: reason, kid })

  const described = describeKey(jwk)
  if (typeof described === 'string') return unusable(described)
  if (use !== undefined && use !== 'sig') return unusable('use_not_sig')
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return unusable('key_ops_without_verify')
  }
  let { algorithms } = described
  if (alg !== undefined) {
    if (!isJwsAlgorithm(alg)) return unusable('alg_unknown')
    if (!algorithms.includes(alg)) return unusable('alg_mismatch')
    algorithms = [alg]
  }
  algorithms = algorithms.filter((algorithm) => allowed.has(algorithm))
  if (algorithms.length === 0) return unusable('alg_not_allowed')

  return {
    kid,
    issuer: typeof issuer === 'string' ? issuer : undefined,
    algorithms,
    material: described.material,
  }
}

/** Imports one entry of a JWK Set for verification, or says why it is not used. */
export async function importVerificationKey(
  entry: unknown,
  allowed: ReadonlySet<JwsAlgorithm>,
): Promise<VerificationKey | UnusableKey> {
  const checked = checkJwk(entry, allowed)
  if ('unusable' in checked) return checked
  const { kid, issuer, algorithms, material } = checked

  const keys = new Map<JwsAlgorithm, CryptoKey>()
  try {
    for (const algorithm of algorithms) {
      const key = await importJWK(material, algorithm)
      if (key instanceof Uint8Array) return { unusable: 'symmetric_key', kid }
      keys.set(algorithm, key)
    }
  } catch {
    // The runtime refuses, for example, a point that is not on its curve.
    return { unusable: 'malformed_key', kid }
  }
  const { kty, crv, n, e, x, y } = material
  return {
    kid,
    issuer,
    keys,
    identity: JSON.stringify([kid, issuer, algorithms, kty, crv, n, e, x, y]),
  }
}
