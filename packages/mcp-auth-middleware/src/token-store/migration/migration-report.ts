import { isAuthError, StoreUnavailableError } from '../../errors.js'
import { sha256 } from '../../runtime.js'
import { credentialKeyId } from '../credential-key.js'
import type { CredentialKey } from '../token-store.js'

/** One key in a report. Never contains a value or anything that could be compared with one. */
export interface MigrationEntry<Outcome extends string = string> {
  readonly provider: string
  readonly owner: 'service' | 'user'
  /** SHA-256 of `credentialKeyId(key)`, base64url; the same as in audit events. */
  readonly keyDigest: string
  /** Only when asked for, and of users only. */
  readonly issuer?: string | undefined
  /** Only when asked for, and of users only. */
  readonly subject?: string | undefined
  readonly outcome: Outcome
  /** Why a key was refused, or the `ERR_…` code of what failed. */
  readonly reason?: string | undefined
}

/** What one step of a migration did, or would do. */
export interface MigrationReport<Outcome extends string = string> {
  /** Names of the stores. */
  readonly from: string
  readonly to: string
  readonly dryRun: boolean
  /** Number of keys found in either store, as far as the step looks at them. */
  readonly total: number
  /** Number of keys with each outcome; together as many as `entries`. */
  readonly counts: Readonly<Record<Outcome, number>>
  readonly entries: readonly MigrationEntry<Outcome>[]
  /** Whether every key has an outcome that needs nobody's attention. */
  readonly ok: boolean
}

/** How far a step has come. */
export interface MigrationProgress {
  readonly done: number
  readonly total: number
}

/** A store became unavailable during a migration. What was done stays done; run the step again. */
export class MigrationInterruptedError extends StoreUnavailableError {
  /** What was done before. */
  readonly report: MigrationReport

  constructor(report: MigrationReport, options?: ErrorOptions) {
    super(`the migration stopped after ${report.entries.length} of ${report.total} keys`, options)
    this.report = report
  }
}

/** Outcome of one key. */
export interface KeyResult<Outcome extends string> {
  readonly outcome: Outcome
  readonly reason?: string | undefined
}

/** What a step does with its keys. */
export interface KeyStep<Outcome extends string> {
  readonly from: string
  readonly to: string
  readonly dryRun: boolean
  readonly keys: readonly CredentialKey[]
  /** Every outcome, each with whether it needs nobody's attention. */
  readonly outcomes: Readonly<Record<Outcome, boolean>>
  readonly concurrency: number
  readonly includeOwners: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined
  run(key: CredentialKey): Promise<KeyResult<Outcome | 'failed'>>
}

type Outcomes<Outcome extends string> = Outcome | 'failed'

const isUnavailable = (error: unknown) =>
  isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'

async function createEntry<Outcome extends string>(
  key: CredentialKey,
  includeOwners: boolean,
  result: KeyResult<Outcome>,
): Promise<MigrationEntry<Outcome>> {
  const { provider, owner } = key
  const keyDigest = await sha256(credentialKeyId(key))
  const named =
    includeOwners && owner.kind === 'user' ? { issuer: owner.issuer, subject: owner.subject } : {}
  return Object.freeze({ provider, owner: owner.kind, keyDigest, ...named, ...result })
}

/**
 * Runs a step for every key and reports. One key that fails is listed, and the others go on; an
 * unavailable store ends the run when the operations under way have settled.
 */
export async function runKeyStep<Outcome extends string>(
  step: KeyStep<Outcome>,
): Promise<MigrationReport<Outcomes<Outcome>>> {
  const { from, to, dryRun, keys, concurrency, includeOwners, signal, onProgress } = step
  const fine: Readonly<Record<string, boolean>> = step.outcomes
  const entries: MigrationEntry<Outcomes<Outcome>>[] = []
  const rest = keys.values()
  let stopped: { readonly error: unknown } | undefined

  function report(): MigrationReport<Outcomes<Outcome>> {
    const names = [...Object.keys(step.outcomes), 'failed']
    const counts = Object.fromEntries(names.map((name) => [name, 0]))
    for (const { outcome } of entries) counts[outcome] = (counts[outcome] ?? 0) + 1
    const complete = entries.length === keys.length
    const ok = complete && entries.every(({ outcome }) => fine[outcome] === true)
    return Object.freeze({
      from,
      to,
      dryRun,
      total: keys.length,
      counts: Object.freeze(counts) as Readonly<Record<Outcomes<Outcome>, number>>,
      entries: Object.freeze([...entries]),
      ok,
    })
  }

  async function runKey(key: CredentialKey): Promise<KeyResult<Outcomes<Outcome>>> {
    try {
      return await step.run(key)
    } catch (error) {
      if (isUnavailable(error) || !isAuthError(error)) throw error
      return { outcome: 'failed', reason: error.code }
    }
  }

  async function work(): Promise<void> {
    for (const key of rest) {
      if (stopped !== undefined) return
      try {
        signal?.throwIfAborted()
        entries.push(await createEntry(key, includeOwners, await runKey(key)))
      } catch (error) {
        stopped ??= { error }
        return
      }
      try {
        onProgress?.({ done: entries.length, total: keys.length })
      } catch {
        // Watching the run must not be able to end it.
      }
    }
  }

  await Promise.all(Array.from({ length: concurrency }, work))
  if (stopped === undefined) return report()
  const { error } = stopped as { readonly error: unknown }
  if (isUnavailable(error)) throw new MigrationInterruptedError(report(), { cause: error })
  throw error
}
