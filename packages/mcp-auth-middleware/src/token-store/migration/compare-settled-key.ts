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

/** Waits for a delete that may be between its two stores. It leaves no time in a store without tombstones. */
const PAUSES_OF_DELETE = PAUSES.slice(0, 3)

/** What a first look may decide. */
const HARMLESS: ReadonlySet<Relation> = new Set(['equal', 'deleted', 'extra'])

interface SettledOptions {
  readonly signal?: AbortSignal | undefined
  /** Default false. */
  readonly trustsMissing?: boolean | undefined
  /**
   * Whether to wait for a delete that may be under way, asked for each key that only `to` holds. Default:
   * what only `to` holds is `extra` at the first look.
   */
  readonly awaitsDelete?: (() => boolean) | undefined
}

/** How long to wait before each further look at what a comparison found. */
function pausesFor({ relation, source, target }: KeyComparison, awaitsDelete: boolean) {
  if (relation === 'extra' || relation === 'undeleted') return awaitsDelete ? PAUSES_OF_DELETE : []
  const seconds = Date.now() / 1000
  const isUnderWay = wasWrittenLately(source, seconds) || wasWrittenLately(target, seconds)
  return relation === 'different' && isUnderWay ? PAUSES : []
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
 * write is over. So is one that only `to` holds, where that would be a finding: `awaitsDelete`.
 */
export async function compareSettledKey(
  stores: { readonly from: TokenStore; readonly to: TokenStore },
  key: CredentialKey,
  prefer: Preference,
  { signal, trustsMissing = false, awaitsDelete }: SettledOptions,
): Promise<KeyComparison> {
  const first = await compareKey(stores, key, prefer, {
    signal,
    maxAgeSeconds: FIRST_LOOK_SECONDS,
  })
  const isTrusted = HARMLESS.has(first.relation)
  if (isTrusted && !(first.relation === 'extra' && awaitsDelete !== undefined)) return first
  if (trustsMissing && first.relation === 'missing') return first

  const now = { signal, maxAgeSeconds: 0 }
  const bothWritable = stores.from.capabilities.write && stores.to.capabilities.write
  let comparison = await compareKey(stores, key, prefer, now)
  if (!bothWritable) return comparison
  const isHeldByTarget = comparison.relation === 'extra' || comparison.relation === 'undeleted'
  const mayWait = isHeldByTarget && awaitsDelete?.() === true
  for (let look = 0; ; look++) {
    const milliseconds = pausesFor(comparison, mayWait)[look]
    if (milliseconds === undefined) return comparison
    await pause(milliseconds, signal)
    comparison = await compareKey(stores, key, prefer, now)
  }
}
