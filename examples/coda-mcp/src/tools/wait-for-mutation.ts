import * as z from 'zod'
import { describeMutation, MutationOutput, waitForMutation, waitSeconds } from './mutation.js'
import { defineTool, reads } from './tool.js'

export const waitForMutationTool = defineTool({
  name: 'coda_wait_for_mutation',
  title: 'Wait for a Coda change',
  description:
    'Waits until Coda has applied a queued change. "queued" after the time is no failure: ask again later. Coda forgets a change after about a day.',
  inputSchema: z.object({
    requestId: z.string().min(1).describe('requestId of a writing tool’s answer'),
    timeoutSeconds: z.int().min(1).max(50).default(waitSeconds),
  }),
  outputSchema: MutationOutput,
  annotations: reads,
  operations: ['getMutationStatus'],
  async run(context) {
    const { requestId, timeoutSeconds } = context.input
    const structured = await waitForMutation(context, requestId, timeoutSeconds)
    return { structured, text: describeMutation('The change', structured) }
  },
})
