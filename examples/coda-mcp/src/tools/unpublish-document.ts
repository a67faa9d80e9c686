import * as z from 'zod'
import { DoneOutput, done } from './done-output.js'
import { docId } from './inputs.js'
import { defineTool } from './tool.js'

export const unpublishDocument = defineTool({
  name: 'coda_unpublish_document',
  title: 'Unpublish a Coda doc',
  description: 'Takes a published doc off the web. Those it is shared with keep their access.',
  inputSchema: z.object({ docId }),
  outputSchema: DoneOutput,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['unpublishDoc'],
  scope: 'coda.share',
  async run({ input, coda, call }) {
    await coda.unpublishDoc(input, call)
    return { structured: done, text: 'The doc is no longer published.' }
  },
})
