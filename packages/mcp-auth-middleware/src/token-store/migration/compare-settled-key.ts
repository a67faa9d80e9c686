import { pause } from '../deadline.js'
import type { CredentialKey, TokenStore } from '../token-store.js'
import { compareKey, type KeyComparison, type Preference, type Relation } from './compare-key.js'
import type { StoreState } from './store-state.js'

/** How old a first look may be, so that a store that lists at once is not asked once per key. */
const FIRST_LOOK_SECONDS = 5
/** A write of both stores is over, or has failed, this long after the first store has it. */
const WRITE_SECONDS = 15
/** Waits between two looks at the same key, 5 s in all: what a store may take for one write. */
const PAUSES = [100, 200, 400, 800, 1500, 2000]

/** What a first look may decide. */
const HARMLESS: ReadonlySet<Relation> = new Set(['equal', 'deleted', 'extra'])

interface SettledOptions {
  readonly signal?: AbortSignal | undefined
  /** Default false. */
  readonly trustsMissing?: boolean | undefined
}

function wasWrittenLately(state: StoreState, now: number): boolean {
  if (state.kind === 'none') return false
  const seconds = state.kind === 'credential' ? state.credential.updatedAt : state.deletedAt
  return Math.abs(now - seconds) <= WRITE_SECONDS
}

/**
 * Compares one key as {@link compareKey}, by what the stores remember only where that can do no harm. Of
 * those is `missing` when a write follows which fails if it was wrong: `trustsMissing`.
 * Where both hold another credential, nothing tells which is right and one of them was written a moment
 * ago, a `dualWriteTokenStore` may be between its two stores: the key is looked at again until that
 * write is over.
 */
export async function compareSettledKey(
  stores: { readonly from: TokenStore; readonly to: TokenStore },
  key: CredentialKey,
  prefer: Preference,
  { signal, trustsMissing = false }: SettledOptions,
): Promise<KeyComparison> {
  const first = await compareKey(stores, key, prefer, {
    signal,
    maxAgeSeconds: FIRST_LOOK_SECONDS,
  })
  if (HARMLESS.has(first.relation)) return first
  if (trustsMissing && first.relation === 'missing') return first

  const now = { signal, maxAgeSeconds: 0 }
  const bothWritable = stores.from.capabilities.write && stores.to.capabilities.write
  let comparison = await compareKey(stores, key, prefer, now)
  for (const milliseconds of bothWritable ? PAUSES : []) {
    const { relation, source, target } = comparison
    const seconds = Date.now() / 1000
    const isUnderWay = wasWrittenLately(source, seconds) || wasWrittenLately(target, seconds)
    if (relation !== 'different' || !isUnderWay) break
    await pause(milliseconds, signal)
    comparison = await compareKey(stores, key, prefer, now)
  }
  return comparison
}
