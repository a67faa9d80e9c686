import { parseOptions } from '../../configuration.js'
import type { Relation } from './compare-key.js'
import { compareSettledKey } from './compare-settled-key.js'
import { listKeys } from './list-keys.js'
import {
  type MigrationOptions,
  MigrationOptionsSchema,
  type ParsedMigrationOptions,
} from './migration-options.js'
import { type MigrationReport, runKeyStep } from './migration-report.js'

/** Whether each relation lets servers read `to`, and `from` be emptied. */
const OUTCOMES: Readonly<Record<Exclude<Relation, 'extra'>, boolean>> = {
  equal: true,
  newer: true,
  deleted: true,
  missing: false,
  older: false,
  different: false,
  undeleted: false,
}

/** Keys that one run waits for: writes that are under way are few, and what is left to copy may be much. */
const AWAITED_WRITES = 100

/** What a comparison of two stores found. */
export type VerificationReport = MigrationReport<Relation | 'failed'>

/**
 * Compares every credential of two stores, in both directions and without writing. `ok` is true when
 * nothing would be lost without `from`: every key of `from` is equal, newer or deleted in `to`. Nor may
 * anything come back: what only `to` holds may have been deleted in `from` while nothing wrote both, so
 * that it is not `ok` unless `prefer: 'to'` says that servers read `to`, or `from` is read-only.
 *
 * Rejects with {@link MigrationInterruptedError}, which carries the report so far, when a store becomes
 * unavailable.
 *
 * @example
 * ```ts
 * const { ok, counts } = await verifyMigration({
 *   from: envTokenStore(),
 *   to: memoryTokenStore({ namespace: 'coda' }),
 * })
 * console.log(ok, counts.missing)
 * ```
 *
 * @throws {@link ConfigurationError} when an option is malformed.
 */
export async function verifyMigration(options: MigrationOptions): Promise<VerificationReport> {
  const parsed = parseOptions('verifyMigration', MigrationOptionsSchema, options)
  return compareStores(parsed, parsed.prefer === 'to' || !parsed.from.capabilities.write)
}

/** Compares as {@link verifyMigration}; the caller says whether `to` may hold more than `from`. */
export async function compareStores(
  options: ParsedMigrationOptions,
  extra: boolean,
): Promise<VerificationReport> {
  const { from, to, provider, prefer, signal, ...settings } = options
  let awaited = 0
  const awaitsWrite = () => awaited++ < AWAITED_WRITES
  const sources = [
    [from, 'credentials'],
    [from, 'tombstones'],
    [to, 'credentials'],
    [to, 'tombstones'],
  ] as const
  return runKeyStep({
    ...settings,
    from: from.name,
    to: to.name,
    dryRun: true,
    signal,
    keys: await listKeys(sources, provider, signal),
    outcomes: { ...OUTCOMES, extra },
    async run(key) {
      const settling = { signal, trustsExtra: extra, awaitsWrite }
      return { outcome: (await compareSettledKey({ from, to }, key, prefer, settling)).relation }
    },
  })
}
