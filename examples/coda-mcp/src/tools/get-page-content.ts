import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import type { PageFormat } from '../coda/page-calls.js'
import { requireCanvasPage } from './canvas-page.js'
import { docId, nextPageToken, pageIdOrName } from './inputs.js'
import { readList } from './list-output.js'
import { exportPage, finishExport, type PageExport } from './page-export.js'
import { describeLine, Line, projectLine } from './page-lines.js'
import { cutText } from './text-part.js'
import { defineTool, reads, type ToolContext } from './tool.js'

const PageContentOutput = z.object({
  outputFormat: z.enum(['text', 'markdown', 'html']),
  status: z
    .enum(['complete', 'exporting'])
    .describe('exporting: Coda is not done yet, go on with nextPageToken'),
  items: z.array(Line).optional().describe('Lines of the page; text only'),
  content: z.string().optional().describe('The page, or a part of it; markdown and html only'),
  nextPageToken: z.string().optional().describe('Present when there is more'),
})
type PageContentOutput = z.infer<typeof PageContentOutput>

/** Place in an export that was begun by an earlier call. */
interface ExportPlace {
  readonly exportId: string
  readonly offset: number
}

function formatExportPlace(format: PageFormat, { exportId, offset }: ExportPlace): string {
  return `${format}-${offset}.${exportId}`
}

function parseExportPlace(format: PageFormat, token: string): ExportPlace {
  const [, tokenFormat, offset, exportId = ''] = /^(\w+)-(\d{1,9})\.(.+)$/s.exec(token) ?? []
  if (tokenFormat !== format) {
    throw new CodaInputError(
      `This nextPageToken is not one of outputFormat "${format}". Start again without nextPageToken.`,
    )
  }
  return { exportId, offset: Number(offset) }
}

async function readExport(
  context: ToolContext<{ docId: string; pageIdOrName: string; nextPageToken?: string | undefined }>,
  outputFormat: PageFormat,
): Promise<{ structured: PageContentOutput; text: string }> {
  const { input } = context
  const { docId, id: pageIdOrName } = await requireCanvasPage(context)
  const page = { docId, pageIdOrName, outputFormat }
  let result: PageExport
  let offset = 0
  if (input.nextPageToken === undefined) {
    result = await exportPage(context, page)
  } else {
    const place = parseExportPlace(outputFormat, input.nextPageToken)
    offset = place.offset
    result = await finishExport(context, { ...page, exportId: place.exportId })
  }

  const { exportId, content } = result
  if (content === undefined) {
    const nextPageToken = formatExportPlace(outputFormat, { exportId, offset })
    return {
      structured: { outputFormat, status: 'exporting', nextPageToken },
      text: `Coda is still exporting the page. Repeat the call with nextPageToken ${JSON.stringify(nextPageToken)} to get it.`,
    }
  }
  const { text, nextOffset } = cutText(content, offset)
  if (nextOffset === undefined) {
    return {
      structured: { outputFormat, status: 'complete', content: text },
      text: text === '' ? 'The page is empty.' : text,
    }
  }
  const nextPageToken = formatExportPlace(outputFormat, { exportId, offset: nextOffset })
  return {
    structured: { outputFormat, status: 'complete', content: text, nextPageToken },
    text: `${text}\nThere is more of the page: repeat the call with nextPageToken ${JSON.stringify(nextPageToken)}.`,
  }
}

export const getPageContent = defineTool({
  name: 'coda_get_page_content',
  title: 'Read a Coda page',
  description:
    'Reads a canvas page. text is quick and gives the id of each line, without tables; markdown and html have formatting, links and tables, and take some seconds, since Coda exports the page first. Attachments and subpages are never part of it.',
  inputSchema: z.object({
    docId,
    pageIdOrName,
    outputFormat: z.enum(['text', 'markdown', 'html']).default('text'),
    limit: z
      .int()
      .min(1)
      .max(500)
      .default(200)
      .describe('Largest number of lines to return; text only'),
    nextPageToken,
  }),
  outputSchema: PageContentOutput,
  annotations: reads,
  operations: [
    'listPageContent',
    'getPage',
    'beginPageContentExport',
    'getPageContentExportStatus',
  ],
  async run(context) {
    const { input, coda, call } = context
    const { docId, pageIdOrName, limit, outputFormat } = input
    if (outputFormat !== 'text') return await readExport(context, outputFormat)
    const { structured, text } = await readList({
      what: 'lines',
      nextPageToken: input.nextPageToken,
      read: async (pageToken) =>
        await coda.listPageContent({ docId, pageIdOrName, limit, pageToken }, call),
      project: projectLine,
      describe: describeLine,
    })
    return { structured: { outputFormat, status: 'complete' as const, ...structured }, text }
  },
})
