import * as z from 'zod'
import { docId, wait } from './inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const triggerAutomation = defineTool({
  name: 'coda_trigger_automation',
  title: 'Start a Coda automation',
  description:
    'Starts an automation that has a webhook as its trigger. It does what the doc says: it may change tables, send messages or act in other services. Its id is in the doc: Settings, Automations, the rule, Copy rule id.',
  inputSchema: z.object({
    docId,
    ruleId: z.string().min(1).describe('Id of the automation rule'),
    payload: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('JSON object that the steps of the automation can read'),
    wait,
  }),
  outputSchema: MutationOutput,
  // What an automation does is unknown here.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['triggerWebhookAutomation'],
  async run(context) {
    const { wait: _wait, ...input } = context.input
    const { requestId } = await context.coda.triggerAutomation(input, context.call)
    const structured = await settleMutation(context, requestId)
    return { structured, text: describeMutation(`Start of automation ${input.ruleId}`, structured) }
  },
})
