import * as z from 'zod'
import { DoneOutput, done } from './done-output.js'
import { docId } from './inputs.js'
import { defineTool } from './tool.js'

export const deletePermission = defineTool({
  name: 'coda_delete_permission',
  title: 'Stop sharing a Coda doc',
  description: 'Takes a permission away. Its id comes from coda_list_permissions.',
  inputSchema: z.object({ docId, permissionId: z.string().min(1) }),
  outputSchema: DoneOutput,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['deletePermission'],
  scope: 'coda.share',
  async run({ input, coda, call }) {
    await coda.deletePermission(input, call)
    return {
      structured: done,
      text: `Permission ${JSON.stringify(input.permissionId)} was taken away.`,
    }
  },
})
