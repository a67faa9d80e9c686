import * as z from 'zod/mini'
import { isCredentialName } from '../credential-key.js'
import type { TokenStore } from '../token-store.js'
import type { Preference } from './compare-key.js'
import type { MigrationProgress } from './migration-report.js'
import { plainStore } from './store-pair.js'

/** Options that all steps of a migration share. */
export interface MigrationOptions {
  /** The store that is moved away from. Not a `cachedTokenStore`. */
  readonly from: TokenStore
  /** The store that is moved to. Not a `cachedTokenStore`. */
  readonly to: TokenStore
  /** Only the credentials of this provider. Default all. */
  readonly provider?: string | undefined
  /**
   * Which store is right where both hold something else. `newer` decides by the time of writing, for
   * stores that know it. `from` fits while every server reads `from`, `to` once every server reads `to`.
   * With `from`, what a writable `from` does not hold was deleted.
   * Default `newer`.
   */
  readonly prefer?: Preference | undefined
  /** Number of keys that are looked at at the same time, 1 to 64. Default 8. */
  readonly concurrency?: number | undefined
  /** Adds issuer and subject of users to the entries of the report. Default false. */
  readonly includeOwners?: boolean | undefined
  /** Ends the run between two steps; it rejects with the reason of the signal. Run it again later. */
  readonly signal?: AbortSignal | undefined
  /** Called after every key. */
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined
}

/** A yes or no, off unless asked for. */
export const flag = z._default(z.boolean({ error: 'must be true or false' }), false)

/** An optional function of the given type. */
export function optionalFunction<Type>() {
  return z.optional(
    z.custom<Type>((value) => typeof value === 'function', { error: 'must be a function' }),
  )
}

/** Schema of {@link MigrationOptions}. */
export const MigrationOptionsSchema = z.strictObject({
  from: plainStore,
  to: plainStore,
  provider: z.optional(
    z.custom<string>(isCredentialName, {
      error: 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
    }),
  ),
  prefer: z._default(
    z.enum(['newer', 'from', 'to'], { error: 'must be "newer", "from" or "to"' }),
    'newer',
  ),
  concurrency: z._default(
    z
      .int({ error: 'must be an integer' })
      .check(z.gte(1, { error: 'must be at least 1' }), z.lte(64, { error: 'must be at most 64' })),
    8,
  ),
  includeOwners: flag,
  signal: z.optional(
    z.custom<AbortSignal>((value) => value instanceof AbortSignal, {
      error: 'must be an AbortSignal',
    }),
  ),
  onProgress: optionalFunction<(progress: MigrationProgress) => void>(),
})

/** {@link MigrationOptions} after their check, defaults filled in. */
export type ParsedMigrationOptions = z.output<typeof MigrationOptionsSchema>
