import * as z from 'zod'
import { docId, tableIdOrName } from './inputs.js'
import { defineTool, reads } from './tool.js'

export const getTable = defineTool({
  name: 'coda_get_table',
  title: 'Get a Coda table',
  description: 'Returns one table or view: its row count, display column, layout and page.',
  inputSchema: z.object({ docId, tableIdOrName }),
  outputSchema: z.object({
    id: z.string(),
    name: z.string(),
    tableType: z.string(),
    rowCount: z.number(),
    displayColumnId: z.string(),
    layout: z.string(),
    pageId: z.string().optional(),
    browserLink: z.string(),
    createdAt: z.string(),
    updatedAt: z.string(),
  }),
  annotations: reads,
  async run({ input, coda, call }) {
    const table = await coda.getTable(input, call)
    const { id, name, tableType, rowCount, layout, browserLink, createdAt, updatedAt } = table
    return {
      structured: {
        id,
        name,
        tableType,
        rowCount,
        displayColumnId: table.displayColumn.id,
        layout,
        pageId: table.parent?.id,
        browserLink,
        createdAt,
        updatedAt,
      },
      text: `${id}: ${JSON.stringify(name)}, ${tableType} with ${rowCount} rows, display column ${table.displayColumn.id}, updated ${updatedAt}, ${browserLink}`,
    }
  },
})
