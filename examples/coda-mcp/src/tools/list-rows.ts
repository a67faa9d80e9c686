import * as z from 'zod'
import {
  docId,
  limit,
  nextPageToken,
  tableIdOrName,
  useColumnNames,
  valueFormat,
} from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { describeRow, projectRow, RowOutput } from './row-output.js'
import { defineTool, reads } from './tool.js'

export const listRows = defineTool({
  name: 'coda_list_rows',
  title: 'List rows of a Coda table',
  description:
    'Lists rows of a table or view, optionally only those where one column has one value. Changes of the last seconds may be missing.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    query: z
      .string()
      .min(1)
      .optional()
      .describe('Filter: "Column name":"value" or c-columnId:"value"; the value is JSON'),
    sortBy: z
      .enum(['createdAt', 'natural', 'updatedAt'])
      .optional()
      .describe('natural is the order in the doc and implies visibleOnly'),
    useColumnNames,
    valueFormat,
    visibleOnly: z.boolean().optional().describe('Leave hidden rows and columns out'),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(RowOutput),
  annotations: reads,
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'rows',
      nextPageToken,
      read: async (pageToken) => await coda.listRows({ ...query, pageToken }, call),
      project: projectRow,
      describe: describeRow,
    })
  },
})
