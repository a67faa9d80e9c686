import { StoreIntegrityError } from '../errors.js'
import type { Envelope } from './envelope.js'
import { isPaddedLength } from './padding.js'
import { FORMAT, SEALED_OVERHEAD_BYTES } from './sealed-bytes.js'

const KEY_ID = /^[0-9a-f]{16}$/
const KEY_ID_BYTES = 8
const HEADER_BYTES = 1 + KEY_ID_BYTES + 2

/** Longest wrapped key that a {@link KeyProvider} may answer with. */
export const MAXIMUM_WRAPPED_BYTES = 4096

/** Tells whether a text can be a key id: 16 lower-case hex digits. */
export function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && KEY_ID.test(value)
}

/** Tells whether a value can be the wrapped form of a data key. */
export function isWrappedBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length > 0 && value.length <= MAXIMUM_WRAPPED_BYTES
}

/**
 * Checks the shape of what came out of a database, where every part may be missing or cut.
 *
 * @throws {@link StoreIntegrityError} when it cannot be an envelope.
 */
export function checkEnvelope(envelope: Envelope): Envelope {
  const { wrappedKey, payload } = envelope
  const isEnvelope =
    isKeyId(wrappedKey?.keyId) &&
    isWrappedBytes(wrappedKey.bytes) &&
    payload instanceof Uint8Array &&
    isPaddedLength(payload.length - SEALED_OVERHEAD_BYTES)
  if (!isEnvelope) throw new StoreIntegrityError('the stored envelope is incomplete')
  return envelope
}

/** Formats an envelope as one run of bytes, for stores that keep one value per record. */
export function formatEnvelope({ wrappedKey, payload }: Envelope): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + wrappedKey.bytes.length + payload.length)
  bytes[0] = FORMAT
  bytes.write(wrappedKey.keyId, 1, 'hex')
  bytes.writeUInt16BE(wrappedKey.bytes.length, 1 + KEY_ID_BYTES)
  bytes.set(wrappedKey.bytes, HEADER_BYTES)
  bytes.set(payload, HEADER_BYTES + wrappedKey.bytes.length)
  return bytes
}

/**
 * Parses what {@link formatEnvelope} made. The result shares its memory with the argument.
 *
 * @throws {@link StoreIntegrityError} when the bytes cannot be an envelope.
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  if (!(bytes instanceof Uint8Array) || bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) {
    throw new StoreIntegrityError('the stored envelope is truncated or in an unknown format')
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const payloadStart = HEADER_BYTES + view.readUInt16BE(1 + KEY_ID_BYTES)
  return checkEnvelope({
    wrappedKey: {
      keyId: view.toString('hex', 1, 1 + KEY_ID_BYTES),
      bytes: view.subarray(HEADER_BYTES, payloadStart),
    },
    payload: view.subarray(payloadStart),
  })
}
