import * as z from 'zod'
import { folderId } from './folder-output.js'
import { defineTool } from './tool.js'

export const deleteFolder = defineTool({
  name: 'coda_delete_folder',
  title: 'Delete a Coda folder',
  description: 'Deletes a folder.',
  inputSchema: z.object({ folderId }),
  outputSchema: z.object({ id: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['deleteFolder'],
  async run({ input: { folderId }, coda, call }) {
    await coda.deleteFolder({ folderId }, call)
    return { structured: { id: folderId }, text: `Deleted the folder ${folderId}.` }
  },
})
