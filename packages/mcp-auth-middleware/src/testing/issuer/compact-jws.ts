import { constants, createHmac, type KeyObject, sign, verify } from 'node:crypto'

/** Signature algorithms that the test issuer can sign its tokens with. */
export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** Members of a JOSE header or a claims set. `undefined` leaves a member out. */
export type JsonMembers = Readonly<Record<string, unknown>>

/** Encodes a JSON value as one base64url segment of a compact JWS. */
export function encodeSegment(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function keyParameters(algorithm: string, key: KeyObject) {
  if (algorithm.startsWith('PS')) {
    return {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: Number(algorithm.slice(2)) / 8,
    }
  }
  return algorithm.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' as const } : key
}

function digestOf(algorithm: string): string | null {
  return algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`
}

/** Signs the text `header.payload`. Any algorithm that fits the key will do, wrong ones included. */
export function signInput(algorithm: string, key: KeyObject, input: string): Buffer {
  return sign(digestOf(algorithm), Buffer.from(input), keyParameters(algorithm, key))
}

/** Checks a signature made by {@link signInput}. */
export function verifyInput(
  algorithm: SigningAlgorithm,
  key: KeyObject,
  input: string,
  signature: Uint8Array,
): boolean {
  return verify(digestOf(algorithm), Buffer.from(input), keyParameters(algorithm, key), signature)
}

/** Builds the HS256 token that an attacker makes with a guessed or public secret. */
export function formatHmacToken(header: JsonMembers, payload: unknown, secret: string): string {
  const input = `${encodeSegment({ ...header, alg: 'HS256' })}.${encodeSegment(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
