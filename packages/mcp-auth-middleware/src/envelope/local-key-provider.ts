import type { KeyObject } from 'node:crypto'
import * as z from 'zod/mini'
import { parseOptions } from '../configuration.js'
import { parseEncryptionKeys } from './encryption-keys.js'
import type { KeyProvider } from './key-provider.js'
import { openBytes, sealBytes } from './sealed-bytes.js'
import { unknownKeyError } from './unknown-key.js'

/** Options for {@link localKeyProvider}. */
export interface LocalKeyProviderOptions {
  /**
   * Comma-separated keys as {@link parseEncryptionKeys} reads them, for example the value of
   * `MCP_AUTH_ENCRYPTION_KEYS`. The first one wraps, all of them unwrap.
   */
  readonly keys: string
}

const Options = z.strictObject({ keys: z.string({ error: 'must be a string' }) })

/**
 * Wraps data keys with AES-256-GCM under keys that this process holds. Answers without waiting.
 *
 * @example
 * ```ts
 * const codec = createEnvelopeCodec({
 *   keyProvider: localKeyProvider({ keys: process.env.MCP_AUTH_ENCRYPTION_KEYS ?? '' }),
 * })
 * ```
 *
 * @throws {@link ConfigurationError} at once, naming every refused key by its place.
 */
export function localKeyProvider(options: LocalKeyProviderOptions): KeyProvider {
  const parsed = parseEncryptionKeys(parseOptions('localKeyProvider', Options, options).keys)
  const keys = new Map(parsed.map(({ keyId, key }) => [keyId, key]))
  const keyIds = Object.freeze([...keys.keys()])
  const [currentKeyId = ''] = keyIds

  function requireKey(keyId: string): KeyObject {
    const key = keys.get(keyId)
    if (key === undefined) throw unknownKeyError(keyId)
    return key
  }

  return Object.freeze({
    currentKeyId,
    keyIds,
    wrap: (dataKey, associatedData) => ({
      keyId: currentKeyId,
      bytes: sealBytes(requireKey(currentKeyId), associatedData, dataKey),
    }),
    unwrap: ({ keyId, bytes }, associatedData) =>
      openBytes(requireKey(keyId), associatedData, bytes),
  } satisfies KeyProvider)
}
