import { type KeyObject, randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { parseOptions } from '../configuration.js'
import { isAuthError, StoreInvalidError, StoreUnavailableError } from '../errors.js'
import { withDeadline } from '../token-store/deadline.js'
import { formatAssociatedData } from './associated-data.js'
import type { EnvelopeCodec } from './envelope.js'
import { checkEnvelope, isKeyId, isWrappedBytes } from './envelope-bytes.js'
import type { KeyProvider, WrappedKey } from './key-provider.js'
import { addPadding, removePadding } from './padding.js'
import { openBytes, sealBytes } from './sealed-bytes.js'
import { unknownKeyError } from './unknown-key.js'
import { createUnwrapCache } from './unwrap-cache.js'

const DATA_KEY_BYTES = 32
const PLAINTEXT_BYTES = 1024 * 1024
const PROVIDER_MILLISECONDS = 2000

/** Options for {@link createEnvelopeCodec}. */
export interface EnvelopeCodecOptions {
  /** Wraps and unwraps data keys: {@link localKeyProvider} or one for a KMS. */
  readonly keyProvider: KeyProvider
  /**
   * Number of unwrapped data keys to keep in memory for 5 minutes, at most 100,000. Default 0, which
   * is off: a local key provider is faster than the cache. For a KMS, which costs a request per read.
   */
  readonly unwrapCacheEntries?: number | undefined
}

function isKeyProvider(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { wrap, unwrap, currentKeyId, keyIds } = value as Record<string, unknown>
  return (
    typeof wrap === 'function' &&
    typeof unwrap === 'function' &&
    Array.isArray(keyIds) &&
    keyIds.every(isKeyId) &&
    isKeyId(currentKeyId) &&
    keyIds.includes(currentKeyId)
  )
}

const Options = z.strictObject({
  keyProvider: z.custom<KeyProvider>(isKeyProvider, {
    error: 'must be a KeyProvider whose key ids are 16 hex digits, the current one among them',
  }),
  unwrapCacheEntries: z._default(
    z
      .int({ error: 'must be an integer' })
      .check(
        z.gte(0, { error: 'must not be negative' }),
        z.lte(100_000, { error: 'must be at most 100000' }),
      ),
    0,
  ),
})

function providerError(cause: unknown): unknown {
  if (isAuthError(cause)) return cause
  return new StoreUnavailableError('the key provider could not be asked', { cause })
}

/** Asks the provider; an answer that is there at once is not awaited. */
function ask<Answer extends object>(
  operation: () => Answer | Promise<Answer>,
  check: (answer: Answer) => Answer,
): Answer | Promise<Answer> {
  try {
    const answer = operation()
    if (!('then' in answer)) return check(answer)
    return withDeadline(PROVIDER_MILLISECONDS, undefined, () => answer).then(check, (error) => {
      throw providerError(error)
    })
  } catch (error) {
    throw providerError(error)
  }
}

function checkDataKey(dataKey: Uint8Array): Uint8Array {
  if (dataKey instanceof Uint8Array && dataKey.length === DATA_KEY_BYTES) return dataKey
  throw new StoreUnavailableError('the key provider answered with something other than a data key')
}

/**
 * Creates a codec that seals each record under a data key of its own, which a key provider wraps.
 *
 * AES-256-GCM with 16-byte tags throughout. Both ciphertexts are bound to the context, so that a
 * record copied to another place does not open; putting back a whole older record of the same place
 * and version is not detected. A provider that does not answer within 2 seconds is unavailable.
 *
 * @example
 * ```ts
 * const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: generateEncryptionKey() }) })
 * const envelope = await codec.seal(['note', 'a'], new TextEncoder().encode('text'))
 * const plaintext = await codec.open(['note', 'a'], envelope)
 * ```
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 * @see docs/reference/envelope.md - the layout to the byte
 */
export function createEnvelopeCodec(options: EnvelopeCodecOptions): EnvelopeCodec {
  const { keyProvider, unwrapCacheEntries } = parseOptions('createEnvelopeCodec', Options, options)
  const cache = unwrapCacheEntries > 0 ? createUnwrapCache(unwrapCacheEntries) : undefined

  function unwrap(
    wrapped: WrappedKey,
    associatedData: Uint8Array,
  ): Uint8Array | Promise<Uint8Array> {
    if (!keyProvider.keyIds.includes(wrapped.keyId)) throw unknownKeyError(wrapped.keyId)
    return ask(() => keyProvider.unwrap(wrapped, associatedData), checkDataKey)
  }

  function wrap(keyId: string, dataKey: Uint8Array, associatedData: Uint8Array) {
    return ask(
      () => keyProvider.wrap(dataKey, associatedData),
      (wrapped) => {
        // Under another key id the associated data would be wrong, and the record would never open.
        if (wrapped.keyId === keyId && isWrappedBytes(wrapped.bytes)) return wrapped
        throw new StoreUnavailableError(
          'the key provider answered with something other than a key wrapped under its current key',
        )
      },
    )
  }

  function openPayload(
    key: KeyObject | Uint8Array,
    associatedData: Uint8Array,
    sealed: Uint8Array,
  ) {
    return removePadding(openBytes(key, associatedData, sealed))
  }

  return Object.freeze({
    get currentKeyId() {
      return keyProvider.currentKeyId
    },
    get keyIds() {
      return keyProvider.keyIds
    },

    async seal(context, plaintext) {
      if (!(plaintext instanceof Uint8Array) || plaintext.length > PLAINTEXT_BYTES) {
        throw new StoreInvalidError(`the plaintext must be at most ${PLAINTEXT_BYTES} bytes`)
      }
      const keyId = keyProvider.currentKeyId
      const associatedData = formatAssociatedData(context, keyId)
      const dataKey = randomBytes(DATA_KEY_BYTES)
      const padded = addPadding(plaintext)
      try {
        const wrappedKey = await wrap(keyId, dataKey, associatedData.wrappedKey)
        return { wrappedKey, payload: sealBytes(dataKey, associatedData.payload, padded) }
      } finally {
        dataKey.fill(0)
        padded.fill(0)
      }
    },

    async open(context, envelope) {
      const { wrappedKey, payload } = checkEnvelope(envelope)
      const associatedData = formatAssociatedData(context, wrappedKey.keyId)
      const load = () => unwrap(wrappedKey, associatedData.wrappedKey)
      const dataKey =
        cache === undefined ? load() : cache(wrappedKey, associatedData.wrappedKey, load)
      // A local key is there at once; awaiting it would cost a turn of the microtask queue.
      const key = 'then' in dataKey ? await dataKey : dataKey
      return openPayload(key, associatedData.payload, payload)
    },

    async rewrap(context, envelope) {
      const { wrappedKey, payload } = checkEnvelope(envelope)
      const old = formatAssociatedData(context, wrappedKey.keyId)
      const dataKey = await unwrap(wrappedKey, old.wrappedKey)
      openPayload(dataKey, old.payload, payload).fill(0)
      const keyId = keyProvider.currentKeyId
      if (wrappedKey.keyId === keyId) return wrappedKey
      return wrap(keyId, dataKey, formatAssociatedData(context, keyId).wrappedKey)
    },
  } satisfies EnvelopeCodec)
}
