import * as z from 'zod'
import { docId, tableIdOrName, wait } from './inputs.js'
import { arrayOrJson } from './json-array.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const deleteRows = defineTool({
  name: 'coda_delete_rows',
  title: 'Delete Coda rows',
  description: 'Deletes several rows of a table by their ids.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    rowIds: arrayOrJson(z.array(z.string().min(1)).min(1).max(1_000)),
    wait,
  }),
  outputSchema: z.object({ ...MutationOutput.shape, rowIds: z.array(z.string()) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['deleteRows'],
  async run(context) {
    const { docId, tableIdOrName, rowIds } = context.input
    const result = await context.coda.deleteRows({ docId, tableIdOrName, rowIds }, context.call)
    const mutation = await settleMutation(context, result.requestId)
    return {
      structured: { ...mutation, rowIds: result.rowIds },
      text: describeMutation(`Deletion of ${result.rowIds.length} rows`, mutation),
    }
  },
})
