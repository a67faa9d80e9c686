import * as z from 'zod'
import { CellEdit } from '../coda/schemas.js'
import { disableParsing, docId, rowIdOrName, tableIdOrName, wait } from './inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const updateRow = defineTool({
  name: 'coda_update_row',
  title: 'Update a Coda row',
  description: 'Overwrites the named cells of one row; the other cells stay as they are.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    rowIdOrName,
    cells: z.array(CellEdit).min(1),
    disableParsing,
    wait,
  }),
  outputSchema: z.object({ ...MutationOutput.shape, rowId: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  async run(context) {
    const { input, coda, call } = context
    const { cells, wait: _wait, ...row } = input
    const { requestId, id } = await coda.updateRow({ ...row, row: { cells } }, call)
    const mutation = await settleMutation(context, requestId)
    return {
      structured: { ...mutation, rowId: id },
      text: describeMutation(`Update of row ${id}`, mutation),
    }
  },
})
