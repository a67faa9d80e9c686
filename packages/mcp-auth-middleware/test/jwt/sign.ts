import {
  createHmac,
  createPublicKey,
  constants as cryptoConstants,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
} from 'node:crypto'

/** A signing key and the JWK that its issuer publishes. */
export interface SigningKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: Record<string, unknown>
}

const CURVES: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

function generate(alg: string, modulusLength: number): KeyObject {
  const curve = CURVES[alg]
  if (curve !== undefined) {
    return generateKeyPairSync('ec', { namedCurve: curve }).privateKey
  }
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength }).privateKey
}

export function createSigningKey(alg = 'ES256', kid = 'k1', modulusLength = 2048): SigningKey {
  const privateKey = generate(alg, modulusLength)
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  return { alg, kid, privateKey, jwk: { ...jwk, kid, alg, use: 'sig' } }
}

export function base64url(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(text, 'utf8').toString('base64url')
}

/** Signs bytes the way an algorithm says, whatever the header claims. */
export function signBytes(input: string, key: KeyObject, alg: string): Buffer {
  const data = Buffer.from(input)
  const hash = `sha${alg.slice(2)}`
  if (alg.startsWith('HS')) return createHmac(hash, key.export()).update(data).digest()
  if (alg === 'EdDSA') return nodeSign(null, data, key)
  if (alg.startsWith('ES')) return nodeSign(hash, data, { key, dsaEncoding: 'ieee-p1363' })
  if (alg.startsWith('PS')) {
    const padding = cryptoConstants.RSA_PKCS1_PSS_PADDING
    return nodeSign(hash, data, { key, padding, saltLength: Number(alg.slice(2)) / 8 })
  }
  return nodeSign(hash, data, key)
}

/** A compact JWS with exactly this header and payload; strings are taken as the raw text. */
export function signRaw(header: unknown, payload: unknown, key: SigningKey, alg = key.alg): string {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${signBytes(input, key.privateKey, alg).toString('base64url')}`
}

/** An access token with the usual header. */
export function signToken(
  key: SigningKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): string {
  return signRaw({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }, claims, key)
}
