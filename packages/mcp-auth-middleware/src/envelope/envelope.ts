import type { WrappedKey } from './key-provider.js'

/**
 * What a sealed record is: every part is authenticated with both ciphertexts, each with its length in
 * front, so that a record copied to another place or version does not open. The first part names the
 * kind of record, for example `credential`; none is secret.
 */
export type EnvelopeContext = readonly string[]

/** A plaintext encrypted under a data key of its own, and that key, wrapped. */
export interface Envelope {
  readonly wrappedKey: WrappedKey
  /** Format byte, initialisation vector, ciphertext and tag; layout in `docs/reference/envelope.md`. */
  readonly payload: Uint8Array
}

/** Seals and opens records. Made by {@link createEnvelopeCodec}. */
export interface EnvelopeCodec {
  /** Key id under which `seal` and `rewrap` wrap now. */
  readonly currentKeyId: string
  /** Every key id that `open` can use. */
  readonly keyIds: readonly string[]
  /**
   * Encrypts up to 1 MiB under a fresh data key, padded to a multiple of 64 bytes.
   *
   * @throws {@link StoreUnavailableError} when the key provider cannot be asked.
   */
  seal(context: EnvelopeContext, plaintext: Uint8Array): Promise<Envelope>
  /**
   * Decrypts.
   *
   * @throws {@link StoreIntegrityError} when any byte, or the context, is not what was sealed.
   * @throws {@link StoreUnavailableError} when the key is not configured here, or cannot be asked for.
   */
  open(context: EnvelopeContext, envelope: Envelope): Promise<Uint8Array>
  /**
   * Wraps the same data key under the current key; the payload is untouched. Resolves with the same
   * wrapped key when it is already under the current one.
   *
   * @throws As {@link EnvelopeCodec.open}; the payload is opened too, so that damage is not carried over.
   */
  rewrap(context: EnvelopeContext, envelope: Envelope): Promise<WrappedKey>
}
