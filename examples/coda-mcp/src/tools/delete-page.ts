import * as z from 'zod'
import { docId, pageIdOrName, wait } from './inputs.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { defineTool } from './tool.js'

export const deletePage = defineTool({
  name: 'coda_delete_page',
  title: 'Delete a Coda page',
  description:
    'Deletes a page with everything on it. Use its id: if a name fits several pages, Coda deletes an arbitrary one of them.',
  inputSchema: z.object({ docId, pageIdOrName, wait }),
  outputSchema: PageWriteOutput,
  // By name, a second call would delete another page.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['deletePage'],
  async run(context) {
    const result = await context.coda.deletePage(context.input, context.call)
    return await settlePageWrite(context, 'Deletion of page', result)
  },
})
