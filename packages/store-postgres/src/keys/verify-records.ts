import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database, SqlRow } from '../database/database.js'
import { countRecords } from './count-records.js'
import { parseRotationOptions, type RotationOptions } from './rotation-options.js'
import { readSealedPages, type SealedRecordFailure, tryRecord } from './sealed-pages.js'
import { sealedStatements } from './sealed-statements.js'
import { type SealedTable, sealedTablesOf } from './sealed-tables.js'

/** What {@link verifyRecords} found. */
export interface VerificationResult {
  /** Records that opened and hold what their table holds. */
  readonly sound: number
  readonly failed: readonly SealedRecordFailure[]
}

async function openRow(table: SealedTable, row: SqlRow, codec: EnvelopeCodec) {
  return tryRecord(table, row, codec, async (envelope) => {
    const plaintext = await codec.open(table.context(row), envelope)
    try {
      table.checkPlaintext(plaintext)
    } finally {
      plaintext.fill(0)
    }
  })
}

/**
 * Opens every sealed record and reports the ones that are damaged or under a key that is not
 * configured here. Changes nothing. A whole older record that was put back in its own place opens, and
 * is not reported.
 *
 * @throws {@link ConfigurationError} for malformed options.
 * @throws {@link StoreUnavailableError} when the database or the key provider does not answer.
 */
export async function verifyRecords(
  database: Database,
  codec: EnvelopeCodec,
  options: RotationOptions = {},
): Promise<VerificationResult> {
  const { namespace, batchSize, onProgress, signal } = parseRotationOptions(
    'verifyRecords',
    options,
  )
  const counts = await countRecords(database, namespace)
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const failed: SealedRecordFailure[] = []
  let [sound, done] = [0, 0]
  for (const table of sealedTablesOf(namespace)) {
    const statements = sealedStatements(table, namespace !== undefined)
    const pageOptions = { batchSize, namespace, signal }
    for await (const rows of readSealedPages(database, table, statements, pageOptions)) {
      for (const row of rows) {
        const result = await openRow(table, row, codec)
        if ('failure' in result) failed.push(result.failure)
        else sound++
      }
      done += rows.length
      onProgress?.({ done, total: Math.max(total, done) })
    }
  }
  return Object.freeze({ sound, failed })
}
