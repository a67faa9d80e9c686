import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { type JsonObject, parseObject } from './exchange.js'

/** A key that signs access tokens. */
export interface SigningKey {
  /** Its public half, as in a JWK Set. */
  readonly jwk: JsonObject
  /** Signs claims; `header` changes the header of the token. */
  mint(claims: JsonObject, header?: JsonObject): string
  /** Claims of a token that this key signed. */
  read(token: string): JsonObject | undefined
}

const encode = (value: JsonObject): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string): JsonObject | undefined =>
  parseObject(Buffer.from(part, 'base64url').toString())

/** Makes an ES256 key. */
export function createSigningKey(id: string): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: id, alg: 'ES256', use: 'sig' },
    mint(claims, header = {}) {
      const text = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: id, ...header })}.${encode(claims)}`
      const signature = sign('sha256', Buffer.from(text), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      })
      return `${text}.${signature.toString('base64url')}`
    },
    read(token) {
      const [header = '', claims = '', signature = ''] = token.split('.')
      const { alg, kid } = decode(header) ?? {}
      if (alg !== 'ES256' || kid !== id) return undefined
      const good = verify(
        'sha256',
        Buffer.from(`${header}.${claims}`),
        { key: publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      )
      return good ? decode(claims) : undefined
    },
  }
}
