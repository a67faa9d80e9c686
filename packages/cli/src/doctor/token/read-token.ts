import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../survey/metadata-document.js'

/** A JWT with its header and claims. Nothing in it is verified. */
export interface ReadToken {
  readonly header: JsonObject
  readonly claims: JsonObject
  /** The part that is signed. */
  readonly signed: string
  readonly signature: Buffer
}

const MAX_LENGTH = 32_768

function decodeObject(segment: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Reads a token as a JWT; `undefined` when it is none. */
export function readToken(token: string): ReadToken | undefined {
  if (token.length > MAX_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return undefined
  const [first = '', second = '', third = ''] = token.split('.')
  const [header, claims] = [decodeObject(first), decodeObject(second)]
  if (header === undefined || claims === undefined) return undefined
  return {
    header,
    claims,
    signed: `${first}.${second}`,
    signature: Buffer.from(third, 'base64url'),
  }
}

const HASHES: Readonly<Record<string, string | undefined>> = {
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
}

/** Algorithms of tokens whose keys can be published. */
export function isPublicKeyAlgorithm(algorithm: unknown): algorithm is string {
  return (
    typeof algorithm === 'string' &&
    (algorithm in HASHES || algorithm === 'EdDSA' || algorithm === 'Ed25519')
  )
}

/** Whether a published key made the signature. `undefined` when the key cannot be used. */
export function isSignedBy(token: ReadToken, jwk: JsonObject): boolean | undefined {
  const { alg } = token.header
  if (!isPublicKeyAlgorithm(alg)) return undefined
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const isPss = alg.startsWith('PS')
    const options = {
      key,
      ...(alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {}),
      // RSA_PKCS1_PSS_PADDING, with a salt as long as the hash (RFC 7518 section 3.5).
      ...(isPss ? { padding: 6, saltLength: -1 } : {}),
    }
    return verify(HASHES[alg] ?? null, Buffer.from(token.signed), options, token.signature)
  } catch {
    return undefined
  }
}
