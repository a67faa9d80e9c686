import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto'
import { StoreIntegrityError } from '../errors.js'

/** First byte of every ciphertext and of its associated data; a new layout gets a new number. */
export const FORMAT = 1

const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + IV_BYTES

/** What {@link sealBytes} adds: format byte, initialisation vector and tag. */
export const SEALED_OVERHEAD_BYTES: number = HEADER_BYTES + TAG_BYTES

// Without this Node.js accepts tags of 4 bytes, which can be guessed (deprecation DEP0182).
const OPTIONS = { authTagLength: TAG_BYTES } as const

// Vectors are public, so they can be made in advance: one by one they cost more than the encryption.
const ivs = new Uint8Array(IV_BYTES * 256)
let ivsUsed = ivs.length

/** A random vector, good until the next call. */
function nextIv(): Uint8Array {
  if (ivsUsed === ivs.length) {
    randomFillSync(ivs)
    ivsUsed = 0
  }
  ivsUsed += IV_BYTES
  return ivs.subarray(ivsUsed - IV_BYTES, ivsUsed)
}

/**
 * Encrypts with AES-256-GCM under a fresh random initialisation vector.
 *
 * @see NIST SP 800-38D section 8.3 - at most 2^32 calls under one key with random vectors
 */
export function sealBytes(
  key: KeyObject | Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const iv = nextIv()
  const cipher = createCipheriv('aes-256-gcm', key, iv, OPTIONS)
  cipher.setAAD(associatedData)
  const sealed = Buffer.allocUnsafe(SEALED_OVERHEAD_BYTES + plaintext.length)
  sealed[0] = FORMAT
  sealed.set(iv, 1)
  sealed.set(cipher.update(plaintext), HEADER_BYTES)
  cipher.final()
  sealed.set(cipher.getAuthTag(), HEADER_BYTES + plaintext.length)
  return sealed
}

/**
 * Decrypts what {@link sealBytes} made.
 *
 * @throws {@link StoreIntegrityError} for another key or associated data, and for any other byte.
 */
export function openBytes(
  key: KeyObject | Uint8Array,
  associatedData: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  if (sealed.length < SEALED_OVERHEAD_BYTES || sealed[0] !== FORMAT) {
    throw new StoreIntegrityError('the stored bytes are truncated or in an unknown format')
  }
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEADER_BYTES), OPTIONS)
  decipher.setAAD(associatedData)
  decipher.setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(HEADER_BYTES, end))
  try {
    decipher.final()
  } catch (cause) {
    throw new StoreIntegrityError('the stored bytes are damaged or belong to another record', {
      cause,
    })
  }
  return plaintext
}
