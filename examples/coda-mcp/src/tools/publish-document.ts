import * as z from 'zod'
import { docId, wait } from './inputs.js'
import { arrayOrJson } from './json-array.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import { defineTool } from './tool.js'

export const publishDocument = defineTool({
  name: 'coda_publish_document',
  title: 'Publish a Coda doc',
  description:
    'Publishes a doc on the web, where everybody can see it, or changes how it is published. Ask the person first.',
  inputSchema: z.object({
    docId,
    slug: z.string().min(1).optional().describe('Last part of the public address'),
    discoverable: z.boolean().optional().describe('Whether search engines and the gallery show it'),
    categoryNames: arrayOrJson(z.array(z.string().min(1)))
      .optional()
      .describe('Names of categories of coda_list_categories'),
    mode: z
      .enum(['view', 'play', 'edit'])
      .optional()
      .describe('What visitors may do; play lets them use it without saving'),
    wait,
  }),
  outputSchema: MutationOutput,
  // What was seen cannot be unseen; clients ask before destructive calls.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['publishDoc'],
  scope: 'coda.share',
  async run(context) {
    const { wait: _wait, ...input } = context.input
    const { requestId } = await context.coda.publishDoc(input, context.call)
    const structured = await settleMutation(context, requestId)
    return { structured, text: describeMutation('Publication of the doc', structured) }
  },
})
