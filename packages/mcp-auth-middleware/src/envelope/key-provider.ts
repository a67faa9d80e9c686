/** A data key, encrypted under a key-encryption key. */
export interface WrappedKey {
  /** Names the key-encryption key: 16 lower-case hex digits. Not secret. */
  readonly keyId: string
  /** At most 4096 bytes; the layout belongs to the provider. */
  readonly bytes: Uint8Array
}

/**
 * Wraps data keys under key-encryption keys. Shipped: {@link localKeyProvider}; a KMS is another one.
 *
 * Both operations authenticate `associatedData`: a wrapped key moved to another record must not open.
 */
export interface KeyProvider {
  /** Key id that `wrap` uses now. */
  readonly currentKeyId: string
  /** Every key id that `unwrap` can use, the current one first. */
  readonly keyIds: readonly string[]
  /**
   * Encrypts a data key of 32 bytes under the current key.
   *
   * @throws {@link StoreUnavailableError} when the provider cannot be asked now.
   */
  wrap(dataKey: Uint8Array, associatedData: Uint8Array): WrappedKey | Promise<WrappedKey>
  /**
   * Decrypts a data key.
   *
   * @throws {@link StoreUnavailableError} when `keyId` is not one of `keyIds`, or the provider cannot be
   *   asked now.
   * @throws {@link StoreIntegrityError} when the bytes or the associated data are not what was wrapped.
   */
  unwrap(wrapped: WrappedKey, associatedData: Uint8Array): Uint8Array | Promise<Uint8Array>
}
