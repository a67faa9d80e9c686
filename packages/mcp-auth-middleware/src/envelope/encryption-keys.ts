import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { ConfigurationError, type ConfigurationProblem } from '../errors.js'

const KEY_BYTES = 32
const KEY_ID_BYTES = 8
const KEY_ID_LABEL = 'mcp-auth key id'
const MAXIMUM_KEYS = 16
const ORDINALS =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth'.split(
    ' ',
  )
const REMEDY = 'make one with `mcp-auth keys generate`'

/** A key-encryption key. The key itself is not shown by `util.inspect` or `JSON.stringify`. */
export interface EncryptionKey {
  /** 16 lower-case hex digits, derived from the key. Not secret. */
  readonly keyId: string
  readonly key: KeyObject
}

function decode(text: string): Buffer | string {
  if (text === '') return 'is empty'
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return 'is written in hex; write its 32 bytes in base64'
  // The alphabets are not mixed, and padding belongs to the first one only.
  const encoding = /^[A-Za-z0-9+/]{43}=$/.test(text)
    ? 'base64'
    : /^[A-Za-z0-9_-]{43}$/.test(text)
      ? 'base64url'
      : undefined
  const key = encoding && Buffer.from(text, encoding)
  // Decoders ignore the last two bits of the last character. One key has one spelling.
  if (key?.toString(encoding) !== text) return 'is not 32 bytes in base64 or base64url'
  if (key.every((byte) => byte === key[0])) return 'is one byte repeated'
  if (key.every((byte) => byte >= 0x20 && byte <= 0x7e)) return 'is a text, such as a password'
  return key
}

function importKey(bytes: Buffer): EncryptionKey {
  const digest = createHash('sha256').update(KEY_ID_LABEL).update(bytes).digest()
  const keyId = digest.toString('hex', 0, KEY_ID_BYTES)
  return Object.freeze({ keyId, key: createSecretKey(bytes) })
}

/**
 * Parses a comma-separated list of key-encryption keys; the first one is the current key.
 *
 * Each is exactly 32 bytes in base64 (44 characters) or base64url (43 characters), at most 16 of them.
 * Blanks around a comma are ignored. The format is never guessed: hex, passwords, one byte repeated
 * and the same key twice are refused.
 *
 * @example
 * ```ts
 * const keys = parseEncryptionKeys(generateEncryptionKey())
 * console.log(keys.map(({ keyId }) => keyId))
 * ```
 *
 * @throws {@link ConfigurationError} naming every refused key by its place, never by its value.
 */
export function parseEncryptionKeys(text: string): readonly EncryptionKey[] {
  const problems: ConfigurationProblem[] = []
  const problem = (message: string) => problems.push({ path: 'keys', message })
  const keys: EncryptionKey[] = []
  const ids = new Set<string>()

  const parts = typeof text === 'string' ? text.split(',') : ['']
  if (parts.length > MAXIMUM_KEYS) problem(`must be at most ${MAXIMUM_KEYS} keys`)
  parts.slice(0, MAXIMUM_KEYS).forEach((part, index) => {
    const bytes = decode(part.trim())
    if (typeof bytes === 'string') {
      problem(`the ${ORDINALS[index]} key ${bytes}; ${REMEDY}`)
      return
    }
    const key = importKey(bytes)
    bytes.fill(0)
    if (ids.has(key.keyId)) problem(`the ${ORDINALS[index]} key is there twice; ${REMEDY}`)
    ids.add(key.keyId)
    keys.push(key)
  })
  if (problems.length > 0) throw new ConfigurationError('encryption keys', problems)
  return Object.freeze(keys)
}

/** Makes a random key-encryption key: 32 bytes in base64, as {@link parseEncryptionKeys} reads it. */
export function generateEncryptionKey(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}
