import * as z from 'zod'
import { columnIdOrName, docId, rowIdOrName, tableIdOrName, wait } from './inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const pushButton = defineTool({
  name: 'coda_push_button',
  title: 'Push a button in a Coda row',
  description:
    'Pushes the button that a row has in a button column. It does what the doc says: it may change other tables, send messages or act in other services. Ask the person first unless they named the button.',
  inputSchema: z.object({ docId, tableIdOrName, rowIdOrName, columnIdOrName, wait }),
  outputSchema: z.object({ ...MutationOutput.shape, rowId: z.string(), columnId: z.string() }),
  // What a button does is unknown here.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['pushButton'],
  async run(context) {
    const { wait: _wait, ...input } = context.input
    const { requestId, rowId, columnId } = await context.coda.pushButton(input, context.call)
    const mutation = await settleMutation(context, requestId)
    return {
      structured: { ...mutation, rowId, columnId },
      text: describeMutation(`Push of button ${columnId} in row ${rowId}`, mutation),
    }
  },
})
