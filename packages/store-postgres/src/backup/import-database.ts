import { StoreConflictError, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { notificationChannel } from '../credentials/notifications.js'
import type { Database, Queryable, Statement } from '../database/database.js'
import { migrations } from '../schema/migrations.js'
import { damaged, unsupported } from './backup-format.js'
import { type ImportOptions, parseImportOptions } from './backup-options.js'
import { type BackupEntry, type BackupSource, readBackup } from './backup-reader.js'
import { conflictStatement, equalStatement, insertStatement } from './backup-statements.js'
import { type BackupTable, backupTables } from './backup-tables.js'

export type { ImportOptions } from './backup-options.js'
export type { BackupSource } from './backup-reader.js'

/** What became of the rows of one table. */
export interface ImportCounts {
  /** Rows of the backup. */
  readonly rows: number
  /** Rows that were written, or with `dryRun` would be. */
  readonly written: number
  /** Rows that were there already: skipped, kept or, with `replace`, written over. */
  readonly existing: number
}

/** Outcome of {@link importDatabase}. */
export interface ImportResult {
  /** By name of the table. */
  readonly tables: Readonly<Record<string, ImportCounts>>
}

const TRANSACTION_MILLISECONDS = 3_600_000
const BATCH_ROWS = 1000
const BATCH_BYTES = 1024 * 1024

const NOTIFY: Statement = {
  name: 'backup_notify',
  text: 'SELECT pg_notify($1::text, $2::text)::text AS notified',
}

type Mode = Required<Pick<ImportOptions, 'onExisting' | 'dryRun'>>

async function numberOf(
  queryable: Queryable,
  statement: Statement,
  rows: string,
): Promise<{ readonly count: number; readonly line: number }> {
  const [row] = await queryable.query(statement, [rows])
  return { count: Number(row?.found ?? row?.written), line: Number(row?.line) }
}

function refuseExisting({ name }: BackupTable, line: number): StoreConflictError {
  const what = name === 'credentials' ? 'credential' : `row of ${name}`
  return new StoreConflictError(
    `backup line ${line}: this ${what} is in the database already; nothing was imported. Choose whether existing ones are skipped or replaced`,
  )
}

function keyOf({ table, row }: BackupEntry): string {
  return JSON.stringify(table.order.map(({ name }) => row[name] ?? null))
}

/** Two rows for one place, in one statement, would be an error of the database without a line. */
function checkDistinct(table: BackupTable, batch: readonly BackupEntry[]): void {
  if (table.existing === 'append') return
  const keys = new Set<string>()
  for (const entry of batch) {
    const key = keyOf(entry)
    if (keys.has(key)) throw damaged(entry.line, 'is there twice')
    keys.add(key)
  }
}

async function writeBatch(
  queryable: Queryable,
  table: BackupTable,
  batch: readonly BackupEntry[],
  { onExisting, dryRun }: Mode,
): Promise<ImportCounts> {
  checkDistinct(table, batch)
  const rows = JSON.stringify(batch.map(({ row, line }) => ({ line, ...row })))
  const isAppended = table.existing === 'append'
  const find = isAppended ? equalStatement(table) : conflictStatement(table)
  const { count: existing, line } = await numberOf(queryable, find, rows)
  const isAsked = table.existing === 'ask'
  if (existing > 0 && isAsked && onExisting === 'refuse') throw refuseExisting(table, line)
  const replaces = isAsked && onExisting === 'replace'
  const expected = replaces ? batch.length : batch.length - existing
  if (dryRun) return { rows: batch.length, written: expected, existing }

  const insert = insertStatement(table, replaces)
  const { count: written } = await numberOf(queryable, insert, rows)
  if (isAsked && onExisting === 'refuse' && written < batch.length) {
    throw new StoreConflictError('the database was written to meanwhile; nothing was imported')
  }
  return { rows: batch.length, written, existing: Math.max(existing, batch.length - written) }
}

/** Collects rows of one table until they make a batch. */
async function* batches(entries: AsyncIterable<BackupEntry>): AsyncGenerator<BackupEntry[]> {
  let batch: BackupEntry[] = []
  let bytes = 0
  for await (const entry of entries) {
    const isFull = batch.length >= BATCH_ROWS || bytes > BATCH_BYTES
    if (batch.length > 0 && (isFull || batch[0]?.table !== entry.table)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(entry)
    for (const value of Object.values(entry.row)) bytes += value?.length ?? 0
  }
  if (batch.length > 0) yield batch
}

/** Tells listening replicas that anything in these namespaces may have changed. */
async function notify(
  queryable: Queryable,
  database: Database,
  namespaces: ReadonlySet<string>,
): Promise<void> {
  if (!database.listens) return
  for (const namespace of namespaces) {
    await queryable.query(NOTIFY, [notificationChannel(database), namespace])
  }
}

/**
 * Imports what `exportDatabase` exported, from any engine into any other, as it is: sealed. The store
 * needs the same keys afterwards.
 *
 * All or nothing: one transaction of at most an hour, which the last line of the backup commits. Every
 * line is checked; damage anywhere, an unknown version or an unknown table refuses the whole backup, and
 * nothing is written. A run that was cut off is repeated as it was. Tombstones are imported as
 * credentials are. Audit events are appended, but for those that are there with all their values.
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 *
 * const database = createDatabase({ connectionString: process.env.DATABASE_URL })
 * await importDatabase(database, createReadStream('backup.jsonl'), { onExisting: 'skip' })
 * ```
 *
 * @throws {@link StoreIntegrityError} for damage, {@link StoreInvalidError} for a backup of another
 *   version or table, {@link StoreConflictError} when a credential is there already: each with the line.
 * @throws {@link StoreUnavailableError} as every statement.
 */
export async function importDatabase(
  database: Database,
  source: BackupSource,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const { onProgress, signal, ...mode } = parseImportOptions(options)
  let hasBegun = false

  async function run(transaction: Queryable): Promise<ImportResult> {
    // What was read from the source cannot be read again.
    if (hasBegun) throw new StoreUnavailableError('the import was interrupted; run it again')
    hasBegun = true
    const tables: Record<string, ImportCounts> = {}
    const namespaces = new Set<string>()
    for (const { name } of backupTables) tables[name] = { rows: 0, written: 0, existing: 0 }

    const entries = readBackup(source, (header) => {
      if (header.schemaVersion > migrations.length) {
        throw unsupported(1, 'is of a newer release; import it with that release')
      }
    })
    for await (const batch of batches(entries)) {
      const table = batch[0]?.table
      if (table === undefined) continue
      const counts = await writeBatch(transaction, table, batch, mode)
      const total = tables[table.name] ?? { rows: 0, written: 0, existing: 0 }
      tables[table.name] = {
        rows: total.rows + counts.rows,
        written: total.written + counts.written,
        existing: total.existing + counts.existing,
      }
      for (const { row } of batch) {
        if (table.name === 'credentials') namespaces.add(String(row.namespace))
      }
      onProgress?.({ table: table.name, rows: total.rows + counts.rows })
    }
    if (!mode.dryRun) await notify(transaction, database, namespaces)
    return { tables }
  }

  return database.transaction(run, {
    kind: 'maintenance',
    timeoutMilliseconds: TRANSACTION_MILLISECONDS,
    signal,
  })
}
