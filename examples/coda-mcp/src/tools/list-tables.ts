import * as z from 'zod'
import { docId, limit, nextPageToken } from './inputs.js'
import { arrayOrJson } from './json-array.js'
import { listSchema, readList } from './list-output.js'
import { describeTableEntry, projectTableEntry, TableEntry } from './table-output.js'
import { defineTool, reads } from './tool.js'

export const tableTypes = arrayOrJson(z.array(z.enum(['table', 'view'])).min(1))
  .optional()
  .describe('Default: both')

export const listTables = defineTool({
  name: 'coda_list_tables',
  title: 'List tables of a Coda doc',
  description: 'Lists the tables and views of a doc.',
  inputSchema: z.object({
    docId,
    tableTypes,
    sortBy: z.enum(['name']).optional(),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(TableEntry),
  annotations: reads,
  operations: ['listTables'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'tables',
      nextPageToken,
      read: async (pageToken) => await coda.listTables({ ...query, pageToken }, call),
      project: projectTableEntry,
      describe: describeTableEntry,
    })
  },
})
