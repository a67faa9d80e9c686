import * as z from 'zod'
import { CellEdit } from '../coda/schemas.js'
import { disableParsing, docId, tableIdOrName, wait } from './inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const upsertRows = defineTool({
  name: 'coda_upsert_rows',
  title: 'Add or update Coda rows',
  description:
    'Adds rows to a base table (not a view). With keyColumns, every row that matches in these columns is updated instead. Send many rows in one call: writes are rate limited.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    rows: z
      .array(z.strictObject({ cells: z.array(CellEdit).min(1) }))
      .min(1)
      .max(1_000),
    keyColumns: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Column ids or names that decide whether a row exists'),
    rowIds: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Ids for the new rows, one per row, so that repeating the call adds nothing'),
    disableParsing,
    wait,
  }),
  outputSchema: z.object({
    ...MutationOutput.shape,
    addedRowIds: z.array(z.string()).describe('Empty when keyColumns was given'),
  }),
  // Values of matching rows are overwritten.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  async run(context) {
    const { input, coda, call } = context
    const { wait: _wait, ...edit } = input
    const { requestId, addedRowIds = [] } = await coda.upsertRows(edit, call)
    const mutation = await settleMutation(context, requestId)
    const count = input.rows.length
    const added = addedRowIds.length === 0 ? '' : ` New row ids: ${addedRowIds.join(', ')}.`
    return {
      structured: { ...mutation, addedRowIds },
      text: `${describeMutation(`Upsert of ${count} ${count === 1 ? 'row' : 'rows'}`, mutation)}${added}`,
    }
  },
})
