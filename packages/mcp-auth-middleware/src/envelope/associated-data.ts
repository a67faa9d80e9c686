import { StoreInvalidError } from '../errors.js'
import type { EnvelopeContext } from './envelope.js'
import { FORMAT } from './sealed-bytes.js'

const LABEL = 'mcp-auth envelope'
const LENGTH_BYTES = 4
const LONE_SURROGATE = /\p{Cs}/u

/** Associated data of the two ciphertexts of one envelope. They share memory: do not write to them. */
export interface AssociatedData {
  readonly payload: Uint8Array
  readonly wrappedKey: Uint8Array
}

/**
 * Formats what both ciphertexts of an envelope are bound to. Every part carries its length, so that
 * (`a`, `bc`) and (`ab`, `c`) differ; the data of the wrapped key ends with the key id.
 *
 * @throws {@link StoreInvalidError} for a lone surrogate, which UTF-8 would make equal to another one.
 */
export function formatAssociatedData(context: EnvelopeContext, keyId: string): AssociatedData {
  const parts = [LABEL, ...context, keyId]
  const lengths = parts.map((part) => Buffer.byteLength(part))
  const total = lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 1)
  const bytes = Buffer.allocUnsafe(total)
  bytes[0] = FORMAT
  let at = 1
  let payloadEnd = at
  parts.forEach((part, index) => {
    const length = lengths[index] ?? 0
    if (length !== part.length && LONE_SURROGATE.test(part)) {
      throw new StoreInvalidError('a part of the context contains a lone surrogate')
    }
    payloadEnd = at
    at = bytes.writeUInt32BE(length, at)
    at += bytes.write(part, at)
  })
  return { payload: bytes.subarray(0, payloadEnd), wrappedKey: bytes }
}
