import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import { CellEdit, type CodaCellEdit } from '../coda/schemas.js'
import { arrayOrJson } from './json-array.js'

/** Cells of one row, as the API takes them. */
export const cells = arrayOrJson(z.array(CellEdit).min(1))

/** Cells of one row as an object from column to value. */
export const values = z
  .record(z.string().min(1), CellEdit.shape.value)
  .refine((record) => Object.keys(record).length > 0, 'needs at least one column')
  .describe('New values by column id (preferred) or name; an array for columns that hold several')

export function cellsOf(record: z.output<typeof values>): CodaCellEdit[] {
  return Object.entries(record).map(([column, value]) => ({ column, value }))
}

export const keyColumns = arrayOrJson(z.array(z.string().min(1)))
  .optional()
  .describe('Column ids or names that decide whether a row exists')

export const newRowIds = arrayOrJson(z.array(z.string().min(1)).min(1))
  .optional()
  .describe(
    'Ids for the new rows, one per row, in the form of row ids (such as i-aB3dE6gH9k): repeating the call then adds nothing',
  )

/** @throws CodaInputError when there is not one id of its own for each row. */
export function checkRowIds(rowIds: readonly string[] | undefined, rows: number): void {
  if (rowIds === undefined) return
  if (rowIds.length !== rows) {
    throw new CodaInputError(
      `rowIds has ${rowIds.length} ids for ${rows} rows. Give one id for each row, or leave rowIds out.`,
    )
  }
  if (new Set(rowIds).size !== rows) {
    throw new CodaInputError('rowIds names an id twice. Give each row an id of its own.')
  }
}
