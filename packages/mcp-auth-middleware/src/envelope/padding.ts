import { StoreIntegrityError } from '../errors.js'

const LENGTH_BYTES = 4
const BLOCK_BYTES = 64

/** Puts the length in front and zeros behind, up to a multiple of 64 bytes. */
export function addPadding(plaintext: Uint8Array): Uint8Array {
  const used = LENGTH_BYTES + plaintext.length
  // Not `allocUnsafe`: the padding must be zeros, and secrets stay out of the shared pool.
  const padded = Buffer.alloc(Math.ceil(used / BLOCK_BYTES) * BLOCK_BYTES)
  padded.writeUInt32BE(plaintext.length, 0)
  padded.set(plaintext, LENGTH_BYTES)
  return padded
}

/** Tells whether {@link addPadding} can have made this many bytes. */
export function isPaddedLength(bytes: number): boolean {
  return bytes > 0 && bytes % BLOCK_BYTES === 0
}

/**
 * Takes off what {@link addPadding} put on. The result shares its memory with the argument.
 *
 * @throws {@link StoreIntegrityError} when the length or the padding is another one.
 */
export function removePadding(padded: Uint8Array): Uint8Array {
  const view = new DataView(padded.buffer, padded.byteOffset, padded.byteLength)
  const end = LENGTH_BYTES + view.getUint32(0)
  let isPadding = end <= padded.length && end > padded.length - BLOCK_BYTES
  for (let index = end; index < padded.length; index++) isPadding &&= padded[index] === 0
  if (!isPadding) throw new StoreIntegrityError('the padding of the stored value is malformed')
  return padded.subarray(LENGTH_BYTES, end)
}
