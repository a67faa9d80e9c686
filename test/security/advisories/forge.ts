import {
  constants,
  createCipheriv,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import type { Target } from './target.js'

type Members = Readonly<Record<string, unknown>>

/** The first part of a token or the second one. */
export function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The published key of a target. */
export async function publishedKey({ issuer }: Target): Promise<JsonWebKey & { kid: string }> {
  const [jwk] = await issuer.keys.published()
  if (jwk?.kid === undefined) throw new Error('the issuer has no key')
  return { ...jwk, kid: jwk.kid }
}

export async function publicKeyOf(target: Target): Promise<KeyObject> {
  return createPublicKey({ key: await publishedKey(target), format: 'jwk' })
}

/** Claims that would be accepted if the signature were right. */
export async function goodClaims({ issuer }: Target): Promise<Record<string, unknown>> {
  const [, payload = ''] = (await issuer.token({ sub: 'mallory' })).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}

/** A token signed by HMAC under any secret, with the key id of the target. */
export async function hmacToken(
  target: Target,
  secret: string | Buffer,
  header: Members = {},
): Promise<string> {
  const { kid } = await publishedKey(target)
  const all = { alg: 'HS256', typ: 'at+jwt', kid, ...header }
  const input = `${encodePart(all)}.${encodePart(await goodClaims(target))}`
  const hash = `sha${String(all.alg).slice(2)}`
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

/** An encrypted token for the public key of the target, around any plaintext. */
export async function encryptedToken(
  target: Target,
  plaintext: string | Buffer,
  header: Members = {},
): Promise<string> {
  const { kid } = await publishedKey(target)
  const contentKey = randomBytes(32)
  const iv = randomBytes(12)
  const protectedPart = encodePart({ alg: 'RSA-OAEP', enc: 'A256GCM', kid, cty: 'JWT', ...header })
  const key = publicEncrypt(
    { key: await publicKeyOf(target), padding: constants.RSA_PKCS1_OAEP_PADDING },
    contentKey,
  )
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv, { authTagLength: 16 })
  cipher.setAAD(Buffer.from(protectedPart))
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const parts = [key, iv, text, cipher.getAuthTag()].map((part) => part.toString('base64url'))
  return [protectedPart, ...parts].join('.')
}

/** An encrypted token of less than 8 KiB that would be `size` bytes long when unpacked. */
export async function bombToken(target: Target, size: number): Promise<string> {
  const plaintext = deflateRawSync(Buffer.alloc(size, ' '), { level: 9 })
  return encryptedToken(target, plaintext, { zip: 'DEF' })
}

/** A public key as OpenSSH writes it. */
export function openSshKey(jwk: JsonWebKey): string {
  const point = Buffer.concat([
    Buffer.from([4]),
    Buffer.from(jwk.x ?? '', 'base64url'),
    Buffer.from(jwk.y ?? '', 'base64url'),
  ])
  const fields = ['ecdsa-sha2-nistp256', 'nistp256', point].map((field) => {
    const bytes = Buffer.from(field)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  return `ecdsa-sha2-nistp256 ${Buffer.concat(fields).toString('base64')}`
}
