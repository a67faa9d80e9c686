import { StoreConflictError, StoreIntegrityError } from '../../errors.js'
import { placeholderReason } from '../placeholder.js'
import type { Credential, CredentialKey, TokenStore } from '../token-store.js'
import { compareKey, type KeyComparison, type Preference } from './compare-key.js'
import { compareSettledKey } from './compare-settled-key.js'
import type { KeyResult } from './migration-report.js'
import { deleteState, isConflict, readState, writeOver } from './store-state.js'

/** How often one key is looked at again before it is left for another run. */
const ATTEMPTS = 32

/**
 * What a copy did with one key:
 * - `copied`: `to` held nothing; it now holds the credential, which was read back and compared.
 * - `updated`: `to` held another credential, and that of `from` was right.
 * - `present`: `to` held the same already.
 * - `kept`: `to` holds another credential, and it is right. Nothing was written.
 * - `deleted`: deleted on purpose, so not copied.
 * - `removed`: deleted in `from`, therefore now deleted in `to` too.
 * - `different`: both hold another credential and nothing tells which is right. Nothing was written.
 * - `refused`: the value is empty, an unresolved placeholder or masked. Nothing was written.
 * - `probe-failed`: the upstream did not accept it. Nothing was written.
 */
export type MigrationOutcome =
  | 'copied'
  | 'updated'
  | 'present'
  | 'kept'
  | 'deleted'
  | 'removed'
  | 'different'
  | 'refused'
  | 'probe-failed'

/** Tells whether the upstream accepts a credential. */
export type CredentialProbe = (
  credential: Credential,
  key: CredentialKey,
) => boolean | Promise<boolean>

/** How one key is copied. */
export interface KeyMigration {
  readonly from: TokenStore
  readonly to: TokenStore
  readonly prefer: Preference
  readonly dryRun: boolean
  readonly probe?: CredentialProbe | undefined
  readonly signal?: AbortSignal | undefined
}

type Result = KeyResult<MigrationOutcome>

/** What this run wrote last, and from which version in `from`. */
interface OwnWrite {
  readonly written: true
  /** `undefined` when it removed the credential and `to` has no tombstones. */
  readonly version: string | undefined
  readonly source?: string | undefined
  readonly outcome: 'copied' | 'updated' | 'removed' | 'deleted'
}

function refusal({ secret, refreshToken }: Credential): Result | undefined {
  const reason =
    placeholderReason(secret) ??
    (refreshToken === undefined ? undefined : placeholderReason(refreshToken))
  return reason === undefined ? undefined : { outcome: 'refused', reason }
}

async function isAccepted({ probe }: KeyMigration, credential: Credential, key: CredentialKey) {
  try {
    return probe === undefined || (await probe(credential, key))
  } catch {
    // The error may carry the credential, and an upstream that cannot be asked has accepted nothing.
    return false
  }
}

/** Copies or corrects one key. Returns what was written, or why nothing was. */
async function write(
  migration: KeyMigration,
  key: CredentialKey,
  { source, target }: KeyComparison,
  outcome: 'copied' | 'updated',
): Promise<Result | OwnWrite> {
  if (source.kind !== 'credential') return { outcome: 'deleted' }
  if (!(await isAccepted(migration, source.credential, key))) return { outcome: 'probe-failed' }
  if (migration.dryRun) return { outcome }
  const { version } = await writeOver(migration.to, key, target, source.credential)
  return { written: true, version, source: source.version, outcome }
}

/** Removes from `to` what is not in `from` any more. */
async function remove(
  migration: KeyMigration,
  key: CredentialKey,
  { target }: KeyComparison,
  outcome: 'removed' | 'deleted',
): Promise<Result | OwnWrite> {
  if (migration.dryRun) return { outcome }
  await deleteState(migration.to, key, target, true)
  const { version } = await readState(migration.to, key)
  return { written: true, version, outcome }
}

/** The answer for a relation that needs no write of a credential. */
const SETTLED = {
  equal: 'present',
  newer: 'kept',
  different: 'different',
  deleted: 'deleted',
  extra: 'deleted',
} as const

/** Tells whether both stores have the same, or both nothing. */
function isSettled({ source, target }: KeyComparison): boolean {
  return (source.kind === 'credential') === (target.kind === 'credential')
}

/** Compares, what this run wrote by what the stores hold now. */
async function look(
  migration: KeyMigration,
  key: CredentialKey,
  own: OwnWrite | undefined,
): Promise<KeyComparison> {
  const { prefer, signal } = migration
  if (own !== undefined) {
    const comparison = await compareKey(migration, key, prefer, { signal, maxAgeSeconds: 0 })
    if (comparison.target.version === own.version) return comparison
  }
  return compareSettledKey(migration, key, prefer, { signal, trustsMissing: true })
}

async function step(
  migration: KeyMigration,
  key: CredentialKey,
  own: OwnWrite | undefined,
): Promise<Result | OwnWrite> {
  const comparison = await look(migration, key, own)
  const { relation, source, target } = comparison
  const mine = own !== undefined && target.version === own.version
  if (mine && (relation === 'equal' || relation === 'deleted') && isSettled(comparison)) {
    return { outcome: own.outcome }
  }
  if (mine && source.kind === 'credential' && source.version === own.source) {
    // The bad copy goes, so that another run starts where this one did.
    await deleteState(migration.to, key, target, false)
    throw new StoreIntegrityError('what was read back differs from what was written')
  }
  // What this run copied follows its source, whatever the times of writing say.
  const copy = mine && target.kind === 'credential'
  if (copy && source.kind !== 'credential') return remove(migration, key, comparison, 'deleted')
  if (relation === 'undeleted') return remove(migration, key, comparison, 'removed')
  const refused = source.kind === 'credential' ? refusal(source.credential) : undefined
  if (refused !== undefined) return refused
  if (relation === 'missing') return write(migration, key, comparison, 'copied')
  if (relation === 'older' || mine) {
    const outcome = own?.outcome === 'copied' ? 'copied' : 'updated'
    return write(migration, key, comparison, outcome)
  }
  return { outcome: SETTLED[relation] }
}

/**
 * Brings one key of `to` up to date with `from`. After a write both stores are read again: the value
 * must be what was written, and the source must still hold it; else it starts over. Ended at any point,
 * it leaves nothing that another run does not put right.
 *
 * @throws {@link StoreConflictError} when others keep changing the key.
 * @throws {@link StoreIntegrityError} when the target gives back something else than was written.
 */
export async function migrateKey(migration: KeyMigration, key: CredentialKey): Promise<Result> {
  let own: OwnWrite | undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    migration.signal?.throwIfAborted()
    try {
      const result = await step(migration, key, own)
      if (!('written' in result)) return result
      own = result
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }
  throw new StoreConflictError('the key kept changing')
}
