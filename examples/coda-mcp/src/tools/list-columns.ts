import * as z from 'zod'
import { ColumnOutput, describeColumn, projectColumn } from './column-output.js'
import { docId, limit, nextPageToken, tableIdOrName } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { defineTool, reads } from './tool.js'

// Coda refuses more, where its other lists return fewer items without a word.
const mostColumns = 100

export const listColumns = defineTool({
  name: 'coda_list_columns',
  title: 'List columns of a Coda table',
  description:
    'Lists the columns of a table with their ids and types. Read it before writing rows.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    visibleOnly: z.boolean().optional().describe('Leave hidden columns out; not for views'),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(ColumnOutput),
  annotations: reads,
  operations: ['listColumns'],
  async run({ input: { nextPageToken, limit, ...query }, coda, call }) {
    const atMost = limit === undefined ? undefined : Math.min(limit, mostColumns)
    return await readList({
      what: 'columns',
      nextPageToken,
      read: async (pageToken) =>
        await coda.listColumns({ ...query, limit: atMost, pageToken }, call),
      project: projectColumn,
      describe: describeColumn,
    })
  },
})
