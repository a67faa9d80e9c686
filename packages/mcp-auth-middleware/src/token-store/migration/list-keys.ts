import { credentialKeyId } from '../credential-key.js'
import type { CredentialKey, TokenStore } from '../token-store.js'

/** What a list is made of. */
export type KeyPart = 'credentials' | 'tombstones'

/**
 * Lists keys of several stores, each once. The whole list is read before anything is changed, since a
 * change during a listing may hide keys from it.
 */
export async function listKeys(
  sources: readonly (readonly [store: TokenStore, part: KeyPart])[],
  provider: string | undefined,
  signal: AbortSignal | undefined,
): Promise<CredentialKey[]> {
  const keys = new Map<string, CredentialKey>()
  const filter = { provider }
  for (const [store, part] of sources) {
    if (part === 'tombstones' && !store.capabilities.tombstone) continue
    const listed = part === 'credentials' ? store.keys(filter) : store.tombstones?.(filter)
    for await (const key of listed ?? []) {
      signal?.throwIfAborted()
      keys.set(credentialKeyId(key), key)
    }
  }
  return [...keys.values()]
}
