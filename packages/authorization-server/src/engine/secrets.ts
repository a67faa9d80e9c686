import {
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'

const SECRET_DIGEST = 'sha256:'

/** SHA-256 of a client secret as it is stored. Secrets have 256 bits, so a plain hash suffices. */
export function digestClientSecret(secret: string): string {
  return SECRET_DIGEST + createHash('sha256').update(secret).digest('base64url')
}

/** Tells whether a stored secret is a digest already. */
export function isSecretDigest(stored: string): boolean {
  return stored.startsWith(SECRET_DIGEST)
}

/** Compares a client secret with what is stored of it, in constant time whatever its length is. */
export function matchesClientSecret(secret: string, stored: string | undefined): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(digestClientSecret(secret)), digest(stored ?? ''))
}

/** Keyed hashes whose keys are derived from the key-encryption keys, one for each purpose. */
export interface Secrets {
  /** HMAC by the current key, base64url. Parts are length-prefixed, so that they cannot run together. */
  sign(purpose: string, ...parts: readonly string[]): string
  /** The same by every key of the ring, the current one first. */
  signAll(purpose: string, ...parts: readonly string[]): readonly string[]
  /** Compares in constant time with what any key of the ring gives. */
  verify(signature: string, purpose: string, ...parts: readonly string[]): boolean
  /** Key material of one purpose, 32 bytes. */
  derive(purpose: string): Buffer
}

function mac(key: KeyObject, parts: readonly string[]): Buffer {
  const bytes = Buffer.alloc(parts.reduce((sum, part) => sum + 4 + Buffer.byteLength(part), 0))
  let at = 0
  for (const part of parts) {
    const length = bytes.write(part, at + 4)
    bytes.writeUInt32BE(length, at)
    at += 4 + length
  }
  return createHmac('sha256', key).update(bytes).digest()
}

/** Derives the secrets of this server, so that operators configure one kind of key only. */
export function createSecrets(keys: readonly { readonly key: KeyObject }[]): Secrets {
  const derive = (index: number, purpose: string): Buffer => {
    const entry = keys[index]
    if (entry === undefined) throw new TypeError('at least one key is needed')
    return createHmac('sha256', entry.key).update(`mcp-authorization-server ${purpose}`).digest()
  }
  const derived = keys.map(() => new Map<string, KeyObject>())
  /** There are a few purposes, and one of them or another at every request. */
  const keyOf = (index: number, purpose: string): KeyObject => {
    const key = derived[index]?.get(purpose) ?? createSecretKey(derive(index, purpose))
    derived[index]?.set(purpose, key)
    return key
  }
  const signAll = (purpose: string, ...parts: readonly string[]): string[] =>
    keys.map((_, index) => mac(keyOf(index, purpose), parts).toString('base64url'))

  return {
    sign: (purpose, ...parts) => mac(keyOf(0, purpose), parts).toString('base64url'),
    signAll,
    verify(signature, purpose, ...parts) {
      const given = Buffer.from(signature)
      return signAll(purpose, ...parts)
        .map((expected) => Buffer.from(expected))
        .some((expected) => expected.length === given.length && timingSafeEqual(expected, given))
    },
    derive: (purpose) => derive(0, purpose),
  }
}
