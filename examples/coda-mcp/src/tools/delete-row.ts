import * as z from 'zod'
import { docId, rowIdOrName, tableIdOrName, wait } from './inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const deleteRow = defineTool({
  name: 'coda_delete_row',
  title: 'Delete a Coda row',
  description:
    'Deletes one row. Use its id: if a name fits several rows, Coda deletes an arbitrary one of them.',
  inputSchema: z.object({ docId, tableIdOrName, rowIdOrName, wait }),
  outputSchema: z.object({ ...MutationOutput.shape, rowId: z.string() }),
  // By name, a second call would delete another row.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['deleteRow'],
  async run(context) {
    const { input, coda, call } = context
    const { requestId, id } = await coda.deleteRow(input, call)
    const mutation = await settleMutation(context, requestId)
    return {
      structured: { ...mutation, rowId: id },
      text: describeMutation(`Deletion of row ${id}`, mutation),
    }
  },
})
