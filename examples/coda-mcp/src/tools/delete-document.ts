import * as z from 'zod'
import { parseDocId } from '../coda/doc-id.js'
import { docId } from './inputs.js'
import { defineTool } from './tool.js'

export const deleteDocument = defineTool({
  name: 'coda_delete_document',
  title: 'Delete a Coda doc',
  description: 'Deletes a doc with all of its pages and tables.',
  inputSchema: z.object({ docId }),
  outputSchema: z.object({ id: z.string(), status: z.literal('queued') }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['deleteDoc'],
  async run({ input, coda, call }) {
    const id = parseDocId(input.docId)
    await coda.deleteDoc({ docId: id }, call)
    return {
      structured: { id, status: 'queued' as const },
      text: `Deletion of doc ${id}: queued, not confirmed. Coda gives no id to wait for; coda_get_document finds nothing once the doc is gone.`,
    }
  },
})
