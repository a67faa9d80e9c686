import * as z from 'zod'
import { AddedRowsOutput, addRows } from './add-rows.js'
import { cellsOf, keyColumns, newRowIds, values } from './cell-inputs.js'
import { disableParsing, docId, tableIdOrName, wait } from './inputs.js'
import { arrayOrJson } from './json-array.js'
import { defineTool } from './tool.js'

export const createRows = defineTool({
  name: 'coda_create_rows',
  title: 'Add Coda rows by column',
  description:
    'Adds rows to a base table (not a view), each given as an object from column to value. The same as coda_upsert_rows in a shorter form; with keyColumns it updates the rows that match.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    rows: arrayOrJson(z.array(values).min(1).max(1_000)),
    keyColumns,
    rowIds: newRowIds,
    disableParsing,
    wait,
  }),
  outputSchema: AddedRowsOutput,
  // With keyColumns, values of matching rows are overwritten.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['upsertRows'],
  run: async (context) =>
    await addRows(
      context,
      context.input.rows.map((row) => ({ cells: cellsOf(row) })),
    ),
})
