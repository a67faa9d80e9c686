import * as z from 'zod'
import { docId, limit, nextPageToken, tableIdOrName } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { defineTool, reads } from './tool.js'

const ColumnEntry = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  isArray: z.boolean().describe('Whether a cell holds several values'),
  display: z.boolean().describe('Whether this column names the row'),
  calculated: z.boolean().describe('Calculated columns cannot be written'),
  formula: z.string().optional(),
  format: z.record(z.string(), z.unknown()).describe('Details of the type, such as its options'),
})

export const listColumns = defineTool({
  name: 'coda_list_columns',
  title: 'List columns of a Coda table',
  description:
    'Lists the columns of a table with their ids and types. Read it before writing rows.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    visibleOnly: z.boolean().optional().describe('Leave hidden columns out'),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(ColumnEntry),
  annotations: reads,
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'columns',
      nextPageToken,
      read: async (pageToken) => await coda.listColumns({ ...query, pageToken }, call),
      project: ({ id, name, display, calculated, formula, format }) => ({
        id,
        name,
        type: format.type,
        isArray: format.isArray,
        display: display ?? false,
        calculated: calculated ?? false,
        formula,
        format,
      }),
      describe: ({ id, name, type, isArray, display, calculated }) =>
        [
          `${id}: ${JSON.stringify(name)}, ${type}`,
          ...(isArray ? ['several values'] : []),
          ...(display ? ['display column'] : []),
          ...(calculated ? ['calculated'] : []),
        ].join(', '),
    })
  },
})
