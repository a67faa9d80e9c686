import * as z from 'zod'
import { docId } from './inputs.js'
import { defineTool, reads } from './tool.js'

export const getSharingMetadata = defineTool({
  name: 'coda_get_sharing_metadata',
  title: 'See how a Coda doc may be shared',
  description:
    'Tells whether the account may share the doc, with whom, and whether it may copy it.',
  inputSchema: z.object({ docId }),
  outputSchema: z.object({
    canShare: z.boolean(),
    canShareWithWorkspace: z.boolean(),
    canShareWithOrg: z.boolean(),
    canCopy: z.boolean(),
  }),
  annotations: reads,
  operations: ['getSharingMetadata'],
  async run({ input, coda, call }) {
    const metadata = await coda.getSharingMetadata(input, call)
    const { canShare, canShareWithWorkspace, canShareWithOrg, canCopy } = metadata
    const may = (allowed: boolean): string => (allowed ? 'may' : 'may not')
    return {
      structured: { canShare, canShareWithWorkspace, canShareWithOrg, canCopy },
      text: `The account ${may(canShare)} share the doc, ${may(canShareWithWorkspace)} share it with the workspace, ${may(canShareWithOrg)} share it with the organisation, and ${may(canCopy)} copy it.`,
    }
  },
})
