import * as z from 'zod'
import { defineTool, reads } from './tool.js'

export const whoami = defineTool({
  name: 'coda_whoami',
  title: 'Who am I in Coda',
  description: 'Returns the Coda account that this connection acts for.',
  inputSchema: z.object({}),
  outputSchema: z.object({
    name: z.string(),
    loginId: z.string(),
    tokenName: z.string(),
    scoped: z.boolean().describe('Whether the token is limited to some docs or to reading'),
    workspaceId: z.string().optional(),
  }),
  annotations: reads,
  operations: ['whoami'],
  async run({ coda, call }) {
    const { name, loginId, tokenName, scoped, workspace } = await coda.whoami(call)
    return {
      structured: { name, loginId, tokenName, scoped, workspaceId: workspace?.id },
      text: `${name} <${loginId}>, through the Coda token ${JSON.stringify(tokenName)}${scoped ? ', which is limited to some docs or operations' : ''}.`,
    }
  },
})
