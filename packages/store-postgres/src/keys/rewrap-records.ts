import { isAuthError } from '@bestviable/mcp-auth-middleware'
import type { EnvelopeCodec, WrappedKey } from '@bestviable/mcp-auth-middleware/envelope'
import { insertAuditEntries } from '../audit/audit-entry.js'
import type { Database, Queryable, SqlRow, SqlValue } from '../database/database.js'
import { countRecords } from './count-records.js'
import { keyIdToBytes } from './key-id.js'
import { registerKeys } from './register-keys.js'
import { parseRotationOptions, type RotationOptions } from './rotation-options.js'
import { readSealedPages, type SealedRecordFailure, tryRecord } from './sealed-pages.js'
import { type SealedStatements, sealedStatements } from './sealed-statements.js'
import { type SealedTable, sealedTablesOf } from './sealed-tables.js'

/** What {@link rotateKeys} did. */
export interface RotationResult {
  /** Key id of the current key. */
  readonly keyId: string
  /** Records that are now under the current key and were not before. */
  readonly rewrapped: number
  /** Records that were under the current key at the start. */
  readonly alreadyCurrent: number
  /** Records that somebody else wrote, rewrapped or deleted meanwhile. */
  readonly skipped: number
  /** Records that could not be opened. They were left as they are. */
  readonly failed: readonly SealedRecordFailure[]
  /**
   * Records under other keys, counted after the last batch: the failed ones, and those that a process
   * with another current key wrote meanwhile. Old keys can be dropped when it is 0.
   */
  readonly remaining: number
}

// Enough to keep a KMS busy, few enough not to be throttled by one.
const PARALLEL = 16

interface Rewrapped {
  readonly row: SqlRow
  readonly wrapped: WrappedKey
}

async function rewrapRows(
  table: SealedTable,
  rows: readonly SqlRow[],
  codec: EnvelopeCodec,
  failed: SealedRecordFailure[],
): Promise<readonly Rewrapped[]> {
  const rewrapped: Rewrapped[] = []
  for (let start = 0; start < rows.length; start += PARALLEL) {
    const results = rows.slice(start, start + PARALLEL).map(async (row) => {
      const result = await tryRecord(table, row, codec, async (envelope) =>
        codec.rewrap(table.context(row), envelope),
      )
      if ('failure' in result) failed.push(result.failure)
      else rewrapped.push({ row, wrapped: result.value })
    })
    await Promise.all(results)
  }
  return rewrapped
}

/** Writes a batch and tells how many rows were still what had been read. */
async function updateRows(
  database: Queryable,
  { rewrap, rewrapColumns }: SealedStatements,
  keyId: string,
  rewrapped: readonly Rewrapped[],
): Promise<number> {
  if (rewrapped.length === 0) return 0
  // Columns of one type each, so that an array of them is a value that SQL takes.
  const columns = rewrapColumns.map(({ name }) => rewrapped.map(({ row }) => row[name]) as SqlValue)
  const oldKeyIds = rewrapped.map(({ row }) => row.key_id) as SqlValue
  const wrappedKeys = rewrapped.map(({ wrapped }) => wrapped.bytes)
  const values = [keyIdToBytes(keyId), ...columns, oldKeyIds, wrappedKeys]
  const [row] = await database.query(rewrap, values, { kind: 'maintenance' })
  return Number(row?.records)
}

/**
 * Puts every sealed record under the current key, while the server runs.
 *
 * Only the wrapped data key of a record changes: its payload, `version` and `updated_at` stay, so that
 * no cache is emptied. Each record is opened first, so that damage is reported and not carried over; a
 * damaged record is left where it is. A record that is written meanwhile keeps what was written.
 *
 * The rows are the only state: a run that was aborted or killed is resumed by running it again, and two
 * runs at once do no harm. Each batch is one SELECT and one UPDATE, and only one batch is held in memory.
 * The run is recorded as the audit event `key.rotate`.
 *
 * @throws {@link ConfigurationError} for malformed options, or keys that are not those of the database.
 * @throws {@link StoreUnavailableError} when the database or the key provider does not answer.
 */
export async function rotateKeys(
  database: Database,
  codec: EnvelopeCodec,
  options: RotationOptions = {},
): Promise<RotationResult> {
  const { namespace, batchSize, onProgress, signal } = parseRotationOptions('rotateKeys', options)
  await registerKeys(database, codec)
  const keyId = codec.currentKeyId
  const failed: SealedRecordFailure[] = []
  let [rewrapped, skipped, done] = [0, 0, 0]

  const before = await countRecords(database, namespace)
  const alreadyCurrent = before.get(keyId) ?? 0
  const total = [...before.values()].reduce((sum, count) => sum + count, 0) - alreadyCurrent

  async function record(outcome: 'done' | 'failed', reason?: string): Promise<void> {
    const details = { keyId, rewrapped, alreadyCurrent, skipped, failed: failed.length }
    const entry = { event: 'key.rotate', outcome, reason, store: 'postgres', namespace, details }
    await insertAuditEntries(database, [entry])
  }

  try {
    for (const table of sealedTablesOf(namespace)) {
      const statements = sealedStatements(table, namespace !== undefined)
      const pageOptions = { batchSize, namespace, except: keyId, signal }
      for await (const rows of readSealedPages(database, table, statements, pageOptions)) {
        const batch = await rewrapRows(table, rows, codec, failed)
        const updated = await updateRows(database, statements, keyId, batch)
        rewrapped += updated
        skipped += batch.length - updated
        done += rows.length
        onProgress?.({ done, total: Math.max(total, done) })
      }
    }
  } catch (error) {
    // The first error says more than a second one about the trail.
    await record('failed', isAuthError(error) ? error.code : 'aborted').catch(() => {})
    throw error
  }
  await record('done')

  const after = await countRecords(database, namespace)
  after.delete(keyId)
  const remaining = [...after.values()].reduce((sum, count) => sum + count, 0)
  return Object.freeze({ keyId, rewrapped, alreadyCurrent, skipped, failed, remaining })
}
