import * as z from 'zod'
import { docId, pageIdOrName, wait } from './inputs.js'
import { subtitle } from './page-inputs.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { defineTool } from './tool.js'

export const renamePage = defineTool({
  name: 'coda_rename_page',
  title: 'Rename a Coda page',
  description: 'Changes the name of a page, and its subtitle when one is given.',
  inputSchema: z.object({ docId, pageIdOrName, newName: z.string().min(1), subtitle, wait }),
  outputSchema: PageWriteOutput,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['updatePage'],
  async run(context) {
    const { docId, pageIdOrName, newName, subtitle } = context.input
    const changes = { docId, pageIdOrName, name: newName, subtitle }
    const result = await context.coda.updatePage(changes, context.call)
    return await settlePageWrite(context, 'Renaming of page', result)
  },
})
