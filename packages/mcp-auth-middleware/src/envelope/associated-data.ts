import { StoreInvalidError } from '../errors.js'
import type { EnvelopeContext } from './envelope.js'
import { FORMAT } from './sealed-bytes.js'

const LABEL = 'mcp-auth envelope'
const LENGTH_BYTES = 4
const ASCII_LIMIT = 0x80
const LONE_SURROGATE = /\p{Cs}/u

/** Associated data of the two ciphertexts of one envelope. They share memory: do not write to them. */
export interface AssociatedData {
  readonly payload: Uint8Array
  readonly wrappedKey: Uint8Array
}

function formatPart(part: string): Buffer {
  const length = Buffer.byteLength(part)
  if (length !== part.length && LONE_SURROGATE.test(part)) {
    throw new StoreInvalidError('a part of the context contains a lone surrogate')
  }
  const bytes = Buffer.alloc(LENGTH_BYTES + length)
  bytes.writeUInt32BE(length)
  bytes.write(part, LENGTH_BYTES)
  return bytes
}

/** The same bytes for short ASCII parts, in a third of the time; `undefined` for any others. */
function formatAsciiParts(parts: readonly string[]): Buffer | undefined {
  let text = String.fromCharCode(FORMAT)
  for (const part of parts) {
    if (part.length >= ASCII_LIMIT) return undefined
    text += `\0\0\0${String.fromCharCode(part.length)}${part}`
  }
  const bytes = Buffer.from(text)
  return bytes.length === text.length ? bytes : undefined
}

/**
 * Formats what both ciphertexts of an envelope are bound to. Every part carries its length, so that
 * (`a`, `bc`) and (`ab`, `c`) differ; the data of the wrapped key ends with the key id.
 *
 * @throws {@link StoreInvalidError} for a lone surrogate, which UTF-8 would make equal to another one.
 */
export function formatAssociatedData(context: EnvelopeContext, keyId: string): AssociatedData {
  const parts = [LABEL, ...context, keyId]
  const bytes =
    formatAsciiParts(parts) ?? Buffer.concat([Buffer.of(FORMAT), ...parts.map(formatPart)])
  const payload = bytes.subarray(0, bytes.length - LENGTH_BYTES - keyId.length)
  return { payload, wrappedKey: bytes }
}
