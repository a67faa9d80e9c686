import type { SigningKey, Storage } from '../storage/storage.js'
import { revocationEnd } from './revocation-end.js'
import {
  type KeyPolicy,
  replaceSigningKeys,
  rotateSigningKeys,
  signingKeyOf,
} from './signing-keys.js'

/** What a rotation works on. */
export interface KeyRotation {
  readonly storage: Storage
  /** Without an algorithm the one of the key that signs now. */
  readonly policy: Pick<KeyPolicy, 'longestTokenLife'> & Partial<KeyPolicy>
  /** Epoch milliseconds. */
  readonly now: () => number
}

/**
 * Adds the next signing key, or with `compromised` puts it in the place of all others and revokes those.
 * One transaction; processes that hold the keys in memory read them again.
 */
export async function rotateStoredKeys(
  { storage, policy, now }: KeyRotation,
  { compromised }: { readonly compromised: boolean },
): Promise<readonly SigningKey[]> {
  return storage.transaction(async () => {
    let before: readonly SigningKey[] = []
    const changed = await storage.signingKeys.update(async (stored) => {
      before = stored
      const algorithm = policy.algorithm ?? signingKeyOf(stored)?.algorithm ?? 'ES256'
      const change = compromised ? replaceSigningKeys : rotateSigningKeys
      return change(stored, Math.floor(now() / 1000), { ...policy, algorithm })
    })
    const kept = new Set(changed.map(({ kid }) => kid))
    const expiresAt = revocationEnd(now(), policy.longestTokenLife)
    // A retired key that has gone by itself has no tokens any more.
    const revoked = compromised ? before.filter(({ kid }) => !kept.has(kid)) : []
    await storage.revocations.add(revoked.map(({ kid }) => ({ kind: 'key', id: kid, expiresAt })))
    return changed
  })
}
