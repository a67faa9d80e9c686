import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import { docId, pageIdOrName, wait } from './inputs.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { defineTool } from './tool.js'

export const deletePageContent = defineTool({
  name: 'coda_delete_page_content',
  title: 'Delete content of a Coda page',
  description:
    'Deletes lines of a canvas page by their ids, or with all: true everything on it. The page itself stays.',
  inputSchema: z.object({
    docId,
    pageIdOrName,
    elementIds: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Ids of lines, as coda_get_page_content gives them'),
    all: z.literal(true).optional().describe('Delete everything on the page'),
    wait,
  }),
  outputSchema: PageWriteOutput,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['deletePageContent'],
  async run(context) {
    const { docId, pageIdOrName, elementIds, all } = context.input
    // Coda empties the whole page when no ids are given, so a forgotten input must not get there.
    if ((elementIds === undefined) === (all === undefined)) {
      throw new CodaInputError(
        'Give either elementIds, or all: true to delete everything on the page.',
      )
    }
    const page = { docId, pageIdOrName, elementIds }
    const result = await context.coda.deletePageContent(page, context.call)
    return await settlePageWrite(context, 'Deletion of content of page', result)
  },
})
