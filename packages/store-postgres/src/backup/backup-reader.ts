import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { createFrameSplitter } from '../pglite/frame-splitter.js'
import {
  type BackupFooter,
  type BackupHeader,
  damaged,
  MAXIMUM_LINE_BYTES,
  parseHeader,
  parseLine,
  unsupported,
} from './backup-format.js'
import {
  type BackupColumn,
  type BackupRow,
  type BackupTable,
  backupTables,
} from './backup-tables.js'

/** Chunks of a backup, cut anywhere. */
export type BackupSource = AsyncIterable<string | Uint8Array>

/** A checked row of a backup. */
export interface BackupEntry {
  readonly table: BackupTable
  readonly row: BackupRow
  /** Number of its line, from 1. */
  readonly line: number
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
// What PostgreSQL cannot hold in text would fail there without a line number.
const NUL = '\u0000'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return !text.includes('\\u0000')
  } catch {
    return false
  }
}

function isValue({ type, bytes }: BackupColumn, text: string): boolean {
  switch (type) {
    case 'text':
      return !text.includes(NUL)
    case 'uuid':
      return UUID.test(text)
    case 'timestamptz':
      return TIME.test(text) && !Number.isNaN(Date.parse(text))
    case 'jsonb':
      return isJson(text)
    case 'boolean':
      return text === 'true' || text === 'false'
    case 'bytea':
      if (!BASE64.test(text)) return false
      return bytes === undefined || Buffer.byteLength(text, 'base64') === bytes
  }
}

function rowSchema(table: BackupTable): z.ZodMiniType<BackupRow> {
  const shape = table.columns.map((column) => {
    const value = z.string().check(z.refine((text) => isValue(column, text)))
    return [column.name, column.nullable === true ? z.nullable(value) : value] as const
  })
  return z.strictObject(Object.fromEntries(shape))
}

const knownTables = new Map(
  backupTables.map((table) => [table.name, { table, schema: rowSchema(table) }]),
)

function checkRow(name: string, row: unknown, line: number): BackupEntry {
  const known = knownTables.get(name)
  if (known === undefined) throw unsupported(line, 'belongs to a table that this release lacks')
  const { table, schema } = known
  const result = schema.safeParse(row)
  if (!result.success) {
    const [issue] = result.error.issues
    const column = issue?.path[0]
    // Only names of columns that are ours: the rest comes from the file.
    const where = table.columns.some(({ name: each }) => each === column)
      ? `column ${String(column)}`
      : 'the columns'
    throw damaged(line, `${where} of table ${table.name} cannot be used`)
  }
  const problem = table.problem?.(result.data)
  if (problem !== undefined) throw damaged(line, problem)
  return { table, row: result.data, line }
}

async function* splitLines(source: BackupSource): AsyncGenerator<string> {
  const splitter = createFrameSplitter(MAXIMUM_LINE_BYTES)
  let line = 0
  for await (const chunk of source) {
    try {
      for (const frame of splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)) {
        line += 1
        yield frame
      }
    } catch {
      throw damaged(line + 1, 'is not text, or too long')
    }
  }
  if (splitter.pendingBytes > 0) throw damaged(line + 1, 'is cut off')
}

function checkFooter(
  footer: BackupFooter,
  counts: ReadonlyMap<string, number>,
  sha256: string,
  line: number,
): void {
  const isComplete =
    footer.sha256 === sha256 &&
    Object.entries(footer.counts).every(([name, count]) => (counts.get(name) ?? 0) === count)
  if (!isComplete) throw damaged(line, 'the lines before it are not those that were exported')
}

/**
 * Reads a backup from beginning to end. Ends well only when every line is whole and the last one says
 * that all are there.
 *
 * @throws {@link StoreIntegrityError} for damage and {@link StoreInvalidError} for another version, each
 *   with the line, and without what stands there.
 */
export async function* readBackup(
  source: BackupSource,
  onHeader: (header: BackupHeader) => void,
): AsyncGenerator<BackupEntry> {
  const digest = createHash('sha256')
  const counts = new Map<string, number>()
  let number = 0
  let hasEnded = false

  for await (const text of splitLines(source)) {
    number += 1
    if (hasEnded) throw damaged(number, 'comes after the end of the backup')
    if (number === 1) {
      onHeader(parseHeader(text))
    } else {
      const line = parseLine(text, number)
      if ('end' in line) {
        checkFooter(line, counts, digest.digest('hex'), number)
        hasEnded = true
        continue
      }
      yield checkRow(line.table, line.row, number)
      counts.set(line.table, (counts.get(line.table) ?? 0) + 1)
    }
    digest.update(text).update('\n')
  }
  if (!hasEnded) throw damaged(number + 1, 'is missing: the backup has no end')
}
