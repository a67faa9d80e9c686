import * as z from 'zod'
import { AddedRowsOutput, addRows } from './add-rows.js'
import { cells, keyColumns, newRowIds } from './cell-inputs.js'
import { disableParsing, docId, tableIdOrName, wait } from './inputs.js'
import { arrayOrJson } from './json-array.js'
import { defineTool } from './tool.js'

export const upsertRows = defineTool({
  name: 'coda_upsert_rows',
  title: 'Add or update Coda rows',
  description:
    'Adds rows to a base table (not a view). With keyColumns, every row that matches in these columns is updated instead. Send many rows in one call: writes are rate limited.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    rows: arrayOrJson(z.array(z.strictObject({ cells })).min(1).max(1_000)),
    keyColumns,
    rowIds: newRowIds,
    disableParsing,
    wait,
  }),
  outputSchema: AddedRowsOutput,
  // Values of matching rows are overwritten.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['upsertRows'],
  run: async (context) => await addRows(context, context.input.rows),
})
