import * as z from 'zod'
import { CodaError } from '../coda/errors.js'
import { requireCanvasPage } from './canvas-page.js'
import { docId, pageIdOrName, wait } from './inputs.js'
import { exportPage } from './page-export.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { defineTool } from './tool.js'

export const duplicatePage = defineTool({
  name: 'coda_duplicate_page',
  title: 'Duplicate a Coda page',
  description:
    'Creates a page with the text of a canvas page, beside it. Coda has no real copy: tables lose their connection to data, and attachments and subpages are left out.',
  inputSchema: z.object({ docId, pageIdOrName, newName: z.string().min(1), wait }),
  outputSchema: PageWriteOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  operations: ['getPage', 'beginPageContentExport', 'getPageContentExportStatus', 'createPage'],
  async run(context) {
    const { input, coda, call } = context
    const page = await requireCanvasPage(context)
    const { docId, id: pageIdOrName, subtitle, parent } = page
    // HTML keeps more of the formatting than Markdown.
    const { content } = await exportPage(context, { docId, pageIdOrName, outputFormat: 'html' })
    if (content === undefined) {
      throw new CodaError(
        'coda_unavailable',
        'Coda did not finish exporting the page in time, so nothing was created. The call may be retried.',
        { retryable: true },
      )
    }
    const copy = {
      ...{ docId, name: input.newName, subtitle, parentPageId: parent?.id },
      ...(content.trim() === ''
        ? {}
        : {
            pageContent: {
              type: 'canvas' as const,
              canvasContent: { format: 'html' as const, content },
            },
          }),
    }
    return await settlePageWrite(context, 'Duplication as page', await coda.createPage(copy, call))
  },
})
