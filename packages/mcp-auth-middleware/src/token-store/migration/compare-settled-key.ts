import { pause } from '../deadline.js'
import type { CredentialKey, TokenStore } from '../token-store.js'
import { compareKey, type KeyComparison, type Preference } from './compare-key.js'
import type { StoreState } from './store-state.js'

/** A write of both stores is over, or has failed, this long after the first store has it. */
const WRITE_SECONDS = 15
/** Waits between two looks at the same key, 5 s in all: what a store may take for one write. */
const PAUSES = [100, 200, 400, 800, 1500, 2000]

function wasWrittenLately(state: StoreState, now: number): boolean {
  if (state.kind === 'none') return false
  const seconds = state.kind === 'credential' ? state.credential.updatedAt : state.deletedAt
  return Math.abs(now - seconds) <= WRITE_SECONDS
}

/**
 * Compares one key as {@link compareKey}. Where both stores hold another credential, nothing tells which
 * is right and one of them was written a moment ago, a `dualWriteTokenStore` may be between its two
 * stores: the key is looked at again until that write is over.
 */
export async function compareSettledKey(
  stores: { readonly from: TokenStore; readonly to: TokenStore },
  key: CredentialKey,
  prefer: Preference,
  signal?: AbortSignal | undefined,
): Promise<KeyComparison> {
  const bothWritable = stores.from.capabilities.write && stores.to.capabilities.write
  let comparison = await compareKey(stores, key, prefer, signal)
  for (const milliseconds of bothWritable ? PAUSES : []) {
    const { relation, source, target } = comparison
    const now = Date.now() / 1000
    const isUnderWay = wasWrittenLately(source, now) || wasWrittenLately(target, now)
    if (relation !== 'different' || !isUnderWay) break
    await pause(milliseconds, signal)
    comparison = await compareKey(stores, key, prefer, signal)
  }
  return comparison
}
