/** Formats a key id for the `key_id` columns. */
export function keyIdToBytes(keyId: string): Uint8Array {
  return Buffer.from(keyId, 'hex')
}

/** Formats the value of a `key_id` column as 16 lower-case hex digits; anything else as an empty text. */
export function keyIdFromBytes(bytes: unknown): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : ''
}
