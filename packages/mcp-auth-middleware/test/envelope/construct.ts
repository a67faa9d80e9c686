import { createCipheriv, createHash } from 'node:crypto'

/*
 * A second construction of envelopes, written from docs/reference/envelope.md with nothing from src,
 * so that a change of the layout cannot pass unnoticed.
 */

/** What an envelope is made of; bytes in hex. */
export interface Recipe {
  readonly key: string
  readonly dataKey: string
  readonly wrapIv: string
  readonly payloadIv: string
  readonly context: readonly string[]
  readonly plaintext: string
}

/** Every value between recipe and envelope, in hex. */
export interface Construction {
  readonly keyId: string
  readonly payloadAssociatedData: string
  readonly wrapAssociatedData: string
  readonly padded: string
  readonly wrappedKey: string
  readonly payload: string
  readonly envelope: string
}

function u32(value: number): Buffer {
  return Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255])
}

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  return Buffer.concat([u32(bytes.length), bytes])
}

/** AES-256-GCM: format byte, initialisation vector, ciphertext, tag of the given length. */
export function encrypt(
  key: Buffer,
  iv: Buffer,
  associatedData: Buffer,
  plaintext: Buffer,
  authTagLength = 16,
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength })
  cipher.setAAD(associatedData)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([Buffer.from([1]), iv, ciphertext, cipher.getAuthTag()])
}

/** The length in front, zeros behind. */
export function pad(plaintext: Buffer): Buffer {
  const zeros = (64 - ((4 + plaintext.length) % 64)) % 64
  return Buffer.concat([u32(plaintext.length), plaintext, Buffer.alloc(zeros)])
}

/** First 8 bytes of SHA-256 over a label and the key, in hex. */
export function keyIdOf(key: Buffer): string {
  const labelled = Buffer.concat([Buffer.from('mcp-auth key id', 'ascii'), key])
  return createHash('sha256').update(labelled).digest('hex').slice(0, 16)
}

/** Format byte, then label, context and, for the wrapped key, key id, each after its length. */
export function associatedData(context: readonly string[], keyId?: string): Buffer {
  const parts = ['mcp-auth envelope', ...context, ...(keyId === undefined ? [] : [keyId])]
  return Buffer.concat([Buffer.from([1]), ...parts.map(prefixed)])
}

/** Makes an envelope from fixed parts. */
export function construct(recipe: Recipe): Construction {
  const bytes = (hex: string) => Buffer.from(hex, 'hex')
  const key = bytes(recipe.key)
  const keyId = keyIdOf(key)
  const payloadAssociatedData = associatedData(recipe.context)
  const wrapAssociatedData = associatedData(recipe.context, keyId)
  const dataKey = bytes(recipe.dataKey)
  const padded = pad(bytes(recipe.plaintext))
  const wrappedKey = encrypt(key, bytes(recipe.wrapIv), wrapAssociatedData, dataKey)
  const payload = encrypt(dataKey, bytes(recipe.payloadIv), payloadAssociatedData, padded)
  const length = Buffer.from([wrappedKey.length >>> 8, wrappedKey.length & 255])
  const envelope = Buffer.concat([Buffer.from([1]), bytes(keyId), length, wrappedKey, payload])
  return {
    keyId,
    payloadAssociatedData: payloadAssociatedData.toString('hex'),
    wrapAssociatedData: wrapAssociatedData.toString('hex'),
    padded: padded.toString('hex'),
    wrappedKey: wrappedKey.toString('hex'),
    payload: payload.toString('hex'),
    envelope: envelope.toString('hex'),
  }
}
