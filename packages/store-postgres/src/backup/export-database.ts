import { createHash } from 'node:crypto'
import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { Database, Queryable, SqlRow, SqlValue, Statement } from '../database/database.js'
import { BACKUP_FORMAT, BACKUP_VERSION, formatLine } from './backup-format.js'
import { type ExportOptions, parseExportOptions } from './backup-options.js'
import { orderColumn, selectStatement } from './backup-statements.js'
import { type BackupRow, type BackupTable, backupTables } from './backup-tables.js'
import { createHandoff } from './handoff.js'

export type { ExportOptions } from './backup-options.js'

const TRANSACTION_MILLISECONDS = 3_600_000
const BATCH_ROWS = 1000
// Rows of a batch are halved and so on while they are so large that a thousand are too much to hold.
const BATCH_BYTES = 8 * 1024 * 1024

const SNAPSHOT: Statement = {
  name: 'backup_snapshot',
  text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
}
const ORIGIN: Statement = {
  name: 'backup_origin',
  text: `SELECT max(version) AS schema_version,
      to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS exported_at
    FROM {schema}.schema_migrations`,
}

type Emit = (lines: readonly string[]) => Promise<void>

function toBackupRow(table: BackupTable, row: SqlRow): BackupRow {
  return Object.fromEntries(
    table.columns.map(({ name }) => {
      const value = row[name]
      if (value instanceof Uint8Array) return [name, Buffer.from(value).toString('base64')]
      return [name, typeof value === 'string' ? value : null]
    }),
  )
}

/** Values of a row in its order, as parameters for what comes after it. */
function orderValues(table: BackupTable, row: SqlRow): SqlValue[] {
  return table.order.map((_, index) => {
    const value = row[orderColumn(index)]
    return value instanceof Uint8Array ? value : String(value)
  })
}

async function exportTable(
  queryable: Queryable,
  table: BackupTable,
  namespace: string | undefined,
  emit: Emit,
  onRows: (rows: number) => void,
): Promise<number> {
  const ofNamespace = table.hasNamespace && namespace !== undefined
  const filter = ofNamespace ? [namespace] : []
  const first = selectStatement(table, { ofNamespace, isNext: false })
  const next = selectStatement(table, { ofNamespace, isNext: true })
  let after: SqlValue[] | undefined
  let limit = BATCH_ROWS
  let count = 0

  for (;;) {
    const rows: readonly SqlRow[] =
      after === undefined
        ? await queryable.query(first, [...filter, limit])
        : await queryable.query(next, [...filter, ...after, limit])
    const last = rows.at(-1)
    if (last === undefined) return count
    const lines = rows.map((row) => formatLine({ table: table.name, row: toBackupRow(table, row) }))
    await emit(lines)
    count += rows.length
    onRows(count)
    if (rows.length < limit) return count
    after = orderValues(table, last)
    const bytes = lines.reduce((total, line) => total + line.length, 0)
    limit = Math.max(1, Math.min(BATCH_ROWS, Math.floor((rows.length * BATCH_BYTES) / bytes)))
  }
}

/**
 * Exports credentials with their tombstones, key checks, audit events and, unless one namespace is
 * asked for, what the authorization server keeps, as JSON lines, each with its newline. Everything stays sealed: no key is needed, and without the keys of the store the backup
 * opens nothing. Leases, and what replicas tell each other, are left out.
 *
 * All rows are of one moment, that of one transaction of at most an hour, and at most a batch of rows
 * is held in memory. On PGlite other statements wait until the export has ended, so write its lines
 * away without delay. Keep them as you keep the database: owners and times are readable. The last line
 * has a digest of all others, which shows damage, not forgery: sealed values have their own protection.
 *
 * @example
 * ```ts
 * const database = createDatabase({ connectionString: process.env.DATABASE_URL })
 * for await (const line of exportDatabase(database)) process.stdout.write(line)
 * ```
 *
 * @throws {@link ConfigurationError} for options that are not usable; the iteration rejects with
 *   {@link StoreUnavailableError}.
 */
export function exportDatabase(
  database: Database,
  options: ExportOptions = {},
): AsyncIterable<string> {
  const { namespace, onProgress, signal } = parseExportOptions(options)

  async function* lines(): AsyncGenerator<string> {
    const handoff = createHandoff<readonly string[]>()
    const digest = createHash('sha256')
    const emit: Emit = (batch) => {
      for (const line of batch) digest.update(line)
      return handoff.put(batch)
    }
    let hasBegun = false

    async function run(transaction: Queryable): Promise<void> {
      // Lines that were given away cannot be taken back.
      if (hasBegun) throw new StoreUnavailableError('the export was interrupted; run it again')
      await transaction.query(SNAPSHOT, [])
      const [origin] = await transaction.query(ORIGIN, [])
      hasBegun = true
      const header = formatLine({
        format: BACKUP_FORMAT,
        version: BACKUP_VERSION,
        engine: database.engine,
        schemaVersion: Number(origin?.schema_version),
        exportedAt: String(origin?.exported_at),
        namespace: namespace ?? null,
      })
      await emit([header])
      const counts: Record<string, number> = {}
      for (const table of backupTables) {
        if (table.isWholeOnly && namespace !== undefined) continue
        counts[table.name] = await exportTable(transaction, table, namespace, emit, (rows) =>
          onProgress?.({ table: table.name, rows }),
        )
      }
      await handoff.put([formatLine({ end: true, counts, sha256: digest.digest('hex') })])
    }

    const ended = database
      .transaction(run, {
        kind: 'maintenance',
        timeoutMilliseconds: TRANSACTION_MILLISECONDS,
        signal,
      })
      .then(
        () => handoff.end(),
        (error: unknown) => handoff.end(error),
      )
    const batches = handoff[Symbol.asyncIterator]()
    try {
      for await (const batch of { [Symbol.asyncIterator]: () => batches }) yield* batch
    } finally {
      await batches.return?.()
      await ended
    }
  }
  return lines()
}
