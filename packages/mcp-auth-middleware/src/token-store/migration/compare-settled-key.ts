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

/** Waits for a delete that is between its two stores. */
const PAUSES_OF_DELETE = PAUSES.slice(0, 3)
/** Waits for a write that came between the two reads of one look. */
const PAUSES_OF_WRITE = PAUSES.slice(0, 1)

/** What is no finding, whoever asks. */
const HARMLESS: ReadonlySet<Relation> = new Set(['equal', 'newer', 'deleted'])

interface SettledOptions {
  readonly signal?: AbortSignal | undefined
  /** Default false. */
  readonly trustsMissing?: boolean | undefined
  /** Whether `extra` is no finding, so that a first look may decide it. Default true. */
  readonly trustsExtra?: boolean | undefined
  /** Whether to wait for a write that may be under way, asked for each key with a finding. Default: no. */
  readonly awaitsWrite?: (() => boolean) | undefined
}

/** How long to wait before each further look at what a comparison found. */
function pausesFor(
  { relation, source, target }: KeyComparison,
  awaitsWrite: boolean,
): readonly number[] {
  const seconds = Date.now() / 1000
  const isUnderWay = wasWrittenLately(source, seconds) || wasWrittenLately(target, seconds)
  if (relation === 'different') return isUnderWay ? PAUSES : []
  if (!awaitsWrite || HARMLESS.has(relation)) return []
  // A delete leaves no time in a store without tombstones.
  if (relation === 'extra' || relation === 'undeleted') return PAUSES_OF_DELETE
  return isUnderWay ? PAUSES_OF_WRITE : []
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
 * write is over. So is one with another finding where the caller asks for it: `awaitsWrite`.
 */
export async function compareSettledKey(
  stores: { readonly from: TokenStore; readonly to: TokenStore },
  key: CredentialKey,
  prefer: Preference,
  { signal, trustsMissing = false, trustsExtra = true, awaitsWrite }: SettledOptions,
): Promise<KeyComparison> {
  const first = await compareKey(stores, key, prefer, {
    signal,
    maxAgeSeconds: FIRST_LOOK_SECONDS,
  })
  if (first.relation === 'equal' || first.relation === 'deleted') return first
  if (trustsMissing && first.relation === 'missing') return first
  if (trustsExtra && first.relation === 'extra') return first

  const now = { signal, maxAgeSeconds: 0 }
  const bothWritable = stores.from.capabilities.write && stores.to.capabilities.write
  let comparison = await compareKey(stores, key, prefer, now)
  if (!bothWritable) return comparison
  if (trustsExtra && comparison.relation === 'extra') return comparison
  const mayWait = !HARMLESS.has(comparison.relation) && awaitsWrite?.() === true
  for (let look = 0; ; look++) {
    const milliseconds = pausesFor(comparison, mayWait)[look]
    if (milliseconds === undefined) return comparison
    await pause(milliseconds, signal)
    comparison = await compareKey(stores, key, prefer, now)
  }
}
