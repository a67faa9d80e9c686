import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../../configuration.js'
import { listKeys } from './list-keys.js'
import { type CredentialProbe, type MigrationOutcome, migrateKey } from './migrate-key.js'
import {
  flag,
  type MigrationOptions,
  MigrationOptionsSchema,
  optionalFunction,
} from './migration-options.js'
import { type MigrationReport, runKeyStep } from './migration-report.js'
import { missingCapabilities } from './store-pair.js'

/** Options for {@link migrateCredentials}. */
export interface MigrateCredentialsOptions extends MigrationOptions {
  /** Compares and reports what would be done; writes nothing. Default false. */
  readonly dryRun?: boolean | undefined
  /**
   * Asks the upstream whether it accepts a credential before it is written to `to`. `false`, and an
   * error, leave the key as it is. Also called in a dry run. Default: nobody is asked.
   */
  readonly probe?: CredentialProbe | undefined
}

const Options = z.extend(MigrationOptionsSchema, {
  dryRun: flag,
  probe: optionalFunction<CredentialProbe>(),
})

const OUTCOMES: Readonly<Record<MigrationOutcome, boolean>> = {
  copied: true,
  updated: true,
  present: true,
  kept: true,
  deleted: true,
  removed: true,
  different: false,
  refused: false,
  'probe-failed': false,
}

/**
 * Copies credentials from one store to another while servers go on using them. `from` is never changed.
 *
 * With `prefer: 'from'` what only `to` holds is removed there, since it was deleted in `from`; nothing is
 * when `from` is read-only, and all of it is `different` when `from` holds nothing at all.
 *
 * A credential is written only where `to` holds nothing, or something that is certainly older; what was
 * deleted in either store stays deleted. Every copy is read back and compared, and the source is read
 * again after it, so that a parallel write is not missed. May be run again at any time, by several
 * processes at once, and after it was killed at any point.
 *
 * Between read and write of a `to` that decides no conditions (`compareAndSet: false`) lies a gap of one
 * round trip; stop writers of such a store, or run it again.
 *
 * Rejects with {@link MigrationInterruptedError}, which carries the report so far, when a store becomes
 * unavailable, and with {@link StoreUnsupportedError} when `from` cannot list its keys.
 *
 * @example
 * ```ts
 * const report = await migrateCredentials({
 *   from: envTokenStore(),
 *   to: memoryTokenStore({ namespace: 'coda' }),
 * })
 * if (!report.ok) process.exitCode = 1
 * ```
 *
 * @throws {@link ConfigurationError} when an option is malformed, or `to` cannot be written.
 */
export async function migrateCredentials(
  options: MigrateCredentialsOptions,
): Promise<MigrationReport<MigrationOutcome | 'failed'>> {
  const { from, to, provider, prefer, dryRun, probe, signal, ...settings } = parseOptions(
    'migrateCredentials',
    Options,
    options,
  )
  checkOptions('migrateCredentials', missingCapabilities('to', to, ['write']))
  const sources = [
    [from, 'credentials'],
    [from, 'tombstones'],
  ] as const
  const keys = await listKeys(sources, provider, signal)
  // Only where servers could delete in `from` does it mean anything that a key is not there.
  const mirrors = prefer === 'from' && from.capabilities.write
  const held = mirrors ? await listKeys([...sources, [to, 'credentials']], provider, signal) : keys
  // More likely another database than one in which everything was deleted.
  const isOther = mirrors && keys.length === 0
  return runKeyStep({
    ...settings,
    from: from.name,
    to: to.name,
    dryRun,
    signal,
    keys: held,
    outcomes: OUTCOMES,
    async run(key) {
      if (isOther) return { outcome: 'different' }
      return migrateKey({ from, to, prefer, dryRun, probe, signal }, key)
    },
  })
}
