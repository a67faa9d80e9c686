import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { CodaReplyError, notFound } from './coda-reply.js'
import type { CellValue, SampleColumn, SampleRow, SampleTable } from './sample-data.js'

const Scalar = z.union([z.string(), z.number(), z.boolean()])
const RowEdit = z.strictObject({
  cells: z.array(z.strictObject({ column: z.string(), value: z.union([Scalar, z.array(Scalar)]) })),
})
type RowEdit = z.infer<typeof RowEdit>

const Upsert = z.strictObject({
  rows: z.array(RowEdit),
  keyColumns: z.array(z.string()).optional(),
  rowIds: z.array(z.string()).optional(),
})
const Update = z.strictObject({ row: RowEdit })
const Delete = z.strictObject({ rowIds: z.array(z.string()) })

/** Reads a body, or refuses it as Coda does. */
export function parseBody<Body>(schema: z.ZodType<Body>, body: unknown): Body {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new CodaReplyError(400, `Invalid body at ${parsed.error.issues[0]?.path.join('.')}.`)
}

function findColumn(table: SampleTable, idOrName: string): SampleColumn {
  const column = table.columns.find(({ id, name }) => id === idOrName || name === idOrName)
  if (column === undefined) throw new CodaReplyError(400, `Could not find column ${idOrName}.`)
  return column
}

function readValues(table: SampleTable, edit: RowEdit): Record<string, CellValue> {
  return Object.fromEntries(
    edit.cells.map(({ column, value }) => [findColumn(table, column).id, value]),
  )
}

/** Finds a row by id, or by the value of its display column. */
export function findRow(table: SampleTable, idOrName: string): SampleRow {
  const row =
    table.rows.find(({ id }) => id === idOrName) ??
    table.rows.find(({ values }) => values[table.displayColumnId] === idOrName)
  if (row === undefined) throw notFound(`row ${idOrName}`)
  return row
}

/** A checked change: what to do when it is due, and what to say at once. */
export interface PreparedEdit {
  readonly apply: () => void
  readonly answer: Record<string, unknown>
}

/** Checks an upsert. Rows are matched when it is applied, as the data is then. */
export function prepareUpsert(table: SampleTable, body: unknown, at: () => string): PreparedEdit {
  if (table.viewOf !== undefined) {
    throw new CodaReplyError(400, 'Rows can only be inserted into base tables, not views.')
  }
  const { rows, keyColumns, rowIds } = parseBody(Upsert, body)
  if (rowIds !== undefined && rowIds.length !== rows.length) {
    throw new CodaReplyError(400, 'rowIds must have one id per row.')
  }
  const keys = (keyColumns ?? []).map((column) => findColumn(table, column).id)
  const edits = rows.map((edit, index) => ({
    id: rowIds?.[index] ?? `i-${randomBytes(5).toString('hex')}`,
    values: readValues(table, edit),
  }))

  const apply = (): void => {
    for (const { id, values } of edits) {
      const matches =
        keys.length === 0
          ? table.rows.filter((row) => row.id === id)
          : table.rows.filter((row) => keys.every((key) => row.values[key] === values[key]))
      for (const row of matches) {
        row.values = { ...row.values, ...values }
        row.updatedAt = at()
      }
      if (matches.length === 0) table.rows.push({ id, createdAt: at(), updatedAt: at(), values })
    }
  }
  return { apply, answer: keys.length > 0 ? {} : { addedRowIds: edits.map(({ id }) => id) } }
}

export function prepareUpdate(
  table: SampleTable,
  idOrName: string,
  body: unknown,
  at: () => string,
): PreparedEdit {
  const row = findRow(table, idOrName)
  const values = readValues(table, parseBody(Update, body).row)
  const apply = (): void => {
    row.values = { ...row.values, ...values }
    row.updatedAt = at()
  }
  return { apply, answer: { id: row.id } }
}

export function prepareDelete(table: SampleTable, ids: readonly string[]): PreparedEdit {
  const apply = (): void => {
    table.rows = table.rows.filter(({ id }) => !ids.includes(id))
  }
  return { apply, answer: {} }
}

export function readRowIds(body: unknown): readonly string[] {
  return parseBody(Delete, body).rowIds
}

/** Selects rows by `"Name":value` or `c-id:value`; the value is JSON. */
export function selectRows(table: SampleTable, query: string | undefined): readonly SampleRow[] {
  if (query === undefined) return table.rows
  const match = /^(?:"((?:[^"\\]|\\.)*)"|([\w-]+)):(.+)$/s.exec(query)
  if (match === null) throw new CodaReplyError(400, 'Invalid query.')
  const [, name, id, json = ''] = match
  const column = findColumn(table, name ?? id ?? '')
  try {
    const wanted = JSON.stringify(JSON.parse(json))
    return table.rows.filter((row) => JSON.stringify(row.values[column.id]) === wanted)
  } catch {
    throw new CodaReplyError(400, 'Invalid query: the value must be JSON.')
  }
}
