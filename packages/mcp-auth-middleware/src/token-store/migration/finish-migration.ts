import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import { pause } from '../deadline.js'
import type { CredentialKey, TokenStore } from '../token-store.js'
import { compareKey, type Preference } from './compare-key.js'
import { listKeys } from './list-keys.js'
import { flag, type MigrationOptions, MigrationOptionsSchema } from './migration-options.js'
import { type KeyResult, type MigrationReport, runKeyStep } from './migration-report.js'
import { deleteState, isConflict, readState } from './store-state.js'
import { compareStores, type VerificationReport } from './verify-migration.js'

/** Waits, in milliseconds, between the looks at a key that keeps changing. */
const PAUSES = [0, 50, 100, 200, 400, 800, 800]

/** Options for {@link finishMigration}. */
export interface FinishMigrationOptions extends MigrationOptions {
  /** Compares and reports what would be removed; removes nothing. Default false. */
  readonly dryRun?: boolean | undefined
}

/**
 * What the end of a migration did with one key of `from`, or with one tombstone:
 * - `removed`: removed from `from`, after it was compared once more.
 * - `cleared`: its tombstones are no longer needed and were removed.
 * - `by-hand`: `from` is read-only; somebody has to remove it there.
 * - `changed`: it changed at every look, so it was left alone. Run it again.
 */
export type FinishOutcome = 'removed' | 'cleared' | 'by-hand' | 'changed'

/** What the end of a migration did. */
export interface FinishReport {
  /** Whether nothing is left to do: `from` is empty and no tombstone is left. */
  readonly finished: boolean
  /** Every credential compared. When this is not `ok`, nothing was removed. */
  readonly verification: VerificationReport
  /** What was removed; `undefined` when the comparison refused. */
  readonly removal: MigrationReport<FinishOutcome | 'failed'> | undefined
}

const Options = z.extend(MigrationOptionsSchema, { dryRun: flag })

const OUTCOMES: Readonly<Record<FinishOutcome, boolean>> = {
  removed: true,
  cleared: true,
  'by-hand': false,
  changed: false,
}

const NEEDED: ReadonlySet<string> = new Set(['missing', 'older', 'different', 'undeleted'])

interface Removal {
  readonly from: TokenStore
  readonly to: TokenStore
  readonly prefer: Preference
  readonly dryRun: boolean
  readonly signal?: AbortSignal | undefined
}

async function removeKey(removal: Removal, key: CredentialKey): Promise<KeyResult<FinishOutcome>> {
  const { from, to, prefer, dryRun, signal } = removal
  const { relation, source } = await compareKey(removal, key, prefer, { signal, maxAgeSeconds: 0 })
  if (NEEDED.has(relation)) return { outcome: 'changed' }
  if (source.kind === 'credential' && !from.capabilities.write) return { outcome: 'by-hand' }
  const outcome = source.kind === 'credential' ? 'removed' : 'cleared'
  if (dryRun) return { outcome }
  if (source.kind !== 'none') await deleteState(from, key, source, false)
  // Only now: while `from` holds the credential, the tombstone keeps it from being read there.
  const target = await readState(to, key, { signal, maxAgeSeconds: 0 })
  if (target.kind === 'tombstone') await deleteState(to, key, target, false)
  return { outcome }
}

/** Looks again at a key that changes: a write may come between the two reads, or before the removal. */
async function removeUnchanged(
  removal: Removal,
  key: CredentialKey,
): Promise<KeyResult<FinishOutcome>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await removeKey(removal, key)
      if (result.outcome !== 'changed') return result
    } catch (error) {
      if (!isConflict(error)) throw error
    }
    const milliseconds = PAUSES[attempt]
    if (milliseconds === undefined) return { outcome: 'changed' }
    await pause(milliseconds, removal.signal)
  }
}

/**
 * Ends a migration: compares every credential once more, refuses when anything differs, then empties
 * `from` and removes the tombstones. Every server must read `to` by then, best through
 * {@link readNewTokenStore}: what is deleted in `to` alone leaves no tombstone, and is taken for missing.
 *
 * Each credential is compared again right before it is removed, and removed on condition that it is
 * still the one compared where `from` decides conditions. From a read-only store nothing is removed:
 * the report lists what to remove by hand, and running it again afterwards finishes. May be run again
 * after it was killed at any point.
 *
 * Rejects with {@link MigrationInterruptedError} when a store becomes unavailable.
 *
 * @example
 * ```ts
 * const { finished, verification } = await finishMigration({
 *   from: envTokenStore(),
 *   to: memoryTokenStore({ namespace: 'coda' }),
 *   dryRun: true,
 * })
 * console.log(finished, verification.ok)
 * ```
 *
 * @throws {@link ConfigurationError} when an option is malformed.
 */
export async function finishMigration(options: FinishMigrationOptions): Promise<FinishReport> {
  const parsed = parseOptions('finishMigration', Options, options)
  const { from, to, provider, prefer, dryRun, signal, ...settings } = parsed
  const { onProgress: _onProgress, ...quiet } = settings
  // Servers read `to` by now, and write it alone.
  const compared = { from, to, provider, prefer, signal, ...quiet }
  const verification = await compareStores(compared, true)
  if (!verification.ok) return { finished: false, verification, removal: undefined }

  const sources = [
    [from, 'credentials'],
    [from, 'tombstones'],
    [to, 'tombstones'],
  ] as const
  const removal = await runKeyStep({
    ...settings,
    from: from.name,
    to: to.name,
    dryRun,
    signal,
    keys: await listKeys(sources, provider, signal),
    outcomes: OUTCOMES,
    run: (key) => removeUnchanged({ from, to, prefer, dryRun, signal }, key),
  })
  return { finished: removal.ok && !dryRun, verification, removal }
}
