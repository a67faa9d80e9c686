import * as z from 'zod'
import { cells, cellsOf, values } from './cell-inputs.js'
import { disableParsing, docId, rowIdOrName, tableIdOrName, wait } from './inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const updateRow = defineTool({
  name: 'coda_update_row',
  title: 'Update a Coda row',
  description:
    'Overwrites the named cells of one row; the other cells stay as they are. Give the new values in cells or in values. Use the id of the row: if a name fits several rows, Coda updates an arbitrary one of them.',
  inputSchema: z
    .object({
      docId,
      tableIdOrName,
      rowIdOrName,
      cells: cells.optional(),
      values: values.optional(),
      disableParsing,
      wait,
    })
    .refine((input) => (input.cells === undefined) !== (input.values === undefined), {
      error: 'needs either cells or values',
      path: ['cells'],
    }),
  outputSchema: z.object({ ...MutationOutput.shape, rowId: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['updateRow'],
  async run(context) {
    const { input, coda, call } = context
    const { cells, values = {}, wait: _wait, ...row } = input
    const edit = { cells: cells ?? cellsOf(values) }
    const { requestId, id } = await coda.updateRow({ ...row, row: edit }, call)
    const mutation = await settleMutation(context, requestId)
    return {
      structured: { ...mutation, rowId: id },
      text: describeMutation(`Update of row ${id}`, mutation),
    }
  },
})
