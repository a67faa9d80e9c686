import * as z from 'zod'
import { docId, wait } from './inputs.js'
import { newPageShape, readNewPage } from './page-inputs.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { defineTool } from './tool.js'

export const createPage = defineTool({
  name: 'coda_create_page',
  title: 'Create a Coda page',
  description:
    'Adds a page to a doc: with text, or showing another site (embed) or another Coda doc or page (syncPage).',
  inputSchema: z.object({ docId, ...newPageShape, wait }),
  outputSchema: PageWriteOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  operations: ['createPage'],
  async run(context) {
    const { input, coda, call } = context
    const result = await coda.createPage({ docId: input.docId, ...readNewPage(input) }, call)
    return await settlePageWrite(context, 'Creation of page', result)
  },
})
