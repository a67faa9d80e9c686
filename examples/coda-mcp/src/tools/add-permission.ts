import * as z from 'zod'
import { AddedPrincipal } from '../coda/sharing-schemas.js'
import { DoneOutput, done } from './done-output.js'
import { docId } from './inputs.js'
import { describePrincipal } from './permission-output.js'
import { defineTool } from './tool.js'

export const addPermission = defineTool({
  name: 'coda_add_permission',
  title: 'Share a Coda doc',
  description:
    'Gives a person, a group, a domain, a workspace or everybody access to a doc. Ask the person first with whom to share what. Coda sends an e-mail unless suppressEmail is true.',
  inputSchema: z.object({
    docId,
    access: z.enum(['readonly', 'write', 'comment']),
    principal: AddedPrincipal,
    suppressEmail: z.boolean().optional().describe('Send no e-mail about it'),
  }),
  outputSchema: DoneOutput,
  // Only adds, but what was seen cannot be unseen; clients ask before destructive calls.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['addPermission'],
  scope: 'coda.share',
  async run({ input, coda, call }) {
    await coda.addPermission(input, call)
    return {
      structured: done,
      text: `Shared with ${describePrincipal(input.principal)}: ${input.access}.`,
    }
  },
})
