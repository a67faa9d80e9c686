import * as z from 'zod'
import { docId } from './inputs.js'
import { createAllReader, describeCut } from './read-all.js'
import { defineTool, reads } from './tool.js'

export const getDocumentStats = defineTool({
  name: 'coda_get_document_stats',
  title: 'Count what is in a Coda doc',
  description:
    'Counts the pages, tables, views, formulas and controls of a doc, and tells how many rows it has. Reads every list to its end, which costs several calls on large docs.',
  inputSchema: z.object({ docId }),
  outputSchema: z.object({
    id: z.string(),
    name: z.string(),
    updatedAt: z.string(),
    pages: z.number(),
    hiddenPages: z.number(),
    tables: z.number(),
    views: z.number(),
    formulas: z.number(),
    controls: z.number(),
    rows: z.number().optional().describe('Rows of all tables, as far as Coda tells'),
    overApiSizeLimit: z
      .boolean()
      .optional()
      .describe('If true, Coda refuses most calls on this doc'),
    complete: z.boolean().describe('False when a list could not be read in time'),
  }),
  annotations: reads,
  operations: ['getDoc', 'listPages', 'listTables', 'listFormulas', 'listControls'],
  async run(context) {
    const { input, coda, call } = context
    const { docId } = input
    const doc = await coda.getDoc({ docId }, call)
    const { readAll } = createAllReader(context)
    const [pages, tables, formulas, controls] = await Promise.all([
      readAll(async (pageToken, call) => await coda.listPages({ docId, pageToken }, call)),
      readAll(async (pageToken, call) => await coda.listTables({ docId, pageToken }, call)),
      readAll(async (pageToken, call) => await coda.listFormulas({ docId, pageToken }, call)),
      readAll(async (pageToken, call) => await coda.listControls({ docId, pageToken }, call)),
    ])
    const views = tables.items.filter(({ tableType }) => tableType === 'view').length
    const structured = {
      id: doc.id,
      name: doc.name,
      updatedAt: doc.updatedAt,
      pages: pages.items.length,
      hiddenPages: pages.items.filter(({ isHidden }) => isHidden).length,
      tables: tables.items.length - views,
      views,
      formulas: formulas.items.length,
      controls: controls.items.length,
      rows: doc.docSize?.totalRowCount,
      overApiSizeLimit: doc.docSize?.overApiSizeLimit,
      complete: [pages, tables, formulas, controls].every(({ complete }) => complete),
    }
    const counts = [
      `${structured.pages} pages (${structured.hiddenPages} hidden)`,
      `${structured.tables} tables`,
      `${views} views`,
      ...(structured.rows === undefined ? [] : [`${structured.rows} rows`]),
      `${structured.formulas} formulas`,
      `${structured.controls} controls`,
    ]
    const cut = structured.complete ? '' : ` ${describeCut('items')}`
    return {
      structured,
      text: `${doc.id}: ${JSON.stringify(doc.name)}, ${counts.join(', ')}, updated ${doc.updatedAt}.${cut}`,
    }
  },
})
