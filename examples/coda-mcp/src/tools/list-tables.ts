import * as z from 'zod'
import { docId, limit, nextPageToken } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { defineTool, reads } from './tool.js'

const TableEntry = z.object({
  id: z.string(),
  name: z.string(),
  tableType: z.string().describe('Rows can be added to a "table" only, not to a "view"'),
  pageId: z.string().optional(),
  browserLink: z.string(),
})

export const listTables = defineTool({
  name: 'coda_list_tables',
  title: 'List tables of a Coda doc',
  description: 'Lists the tables and views of a doc.',
  inputSchema: z.object({
    docId,
    tableTypes: z
      .array(z.enum(['table', 'view']))
      .min(1)
      .optional()
      .describe('Default: both'),
    sortBy: z.enum(['name']).optional(),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(TableEntry),
  annotations: reads,
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'tables',
      nextPageToken,
      read: async (pageToken) => await coda.listTables({ ...query, pageToken }, call),
      project: ({ id, name, tableType, parent, browserLink }) => ({
        id,
        name,
        tableType,
        pageId: parent?.id,
        browserLink,
      }),
      describe: ({ id, name, tableType, pageId }) =>
        `${id}: ${JSON.stringify(name)}, ${tableType}${pageId === undefined ? '' : `, on page ${pageId}`}`,
    })
  },
})
