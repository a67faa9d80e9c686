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
    'Lists rows of a table or view, optionally only those where one column has one value, or those changed since an earlier list. Changes of the last seconds may be missing.',
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
    syncToken: z
      .string()
      .min(1)
      .optional()
      .describe(
        'nextSyncToken of an earlier list with the same inputs: returns only what was added or changed since then, never what was deleted',
      ),
    limit,
    nextPageToken,
  }),
  outputSchema: z.object({
    ...listSchema(RowOutput).shape,
    nextSyncToken: z.string().optional().describe('Pass it as syncToken to read changes later'),
  }),
  annotations: reads,
  operations: ['listRows'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    let syncToken: string | undefined
    const { structured, text } = await readList({
      what: 'rows',
      nextPageToken,
      read: async (pageToken) => {
        const page = await coda.listRows({ ...query, pageToken }, call)
        syncToken = page.nextSyncToken
        return page
      },
      project: projectRow,
      describe: describeRow,
    })
    // Before the end of the list it would skip the rows that were not read yet.
    if (syncToken === undefined || structured.nextPageToken !== undefined)
      return { structured, text }
    return {
      structured: { ...structured, nextSyncToken: syncToken },
      text: `${text}\nRead later changes with syncToken ${JSON.stringify(syncToken)}.`,
    }
  },
})
