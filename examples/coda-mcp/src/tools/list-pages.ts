import * as z from 'zod'
import { docId, limit, nextPageToken } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { describePage, PageOutput, projectPage } from './page-output.js'
import { defineTool, reads } from './tool.js'

export const listPages = defineTool({
  name: 'coda_list_pages',
  title: 'List pages of a Coda doc',
  description: 'Lists the pages of a doc, subpages included, with their parents and children.',
  inputSchema: z.object({ docId, limit, nextPageToken }),
  outputSchema: listSchema(PageOutput),
  annotations: reads,
  operations: ['listPages'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'pages',
      nextPageToken,
      read: async (pageToken) => await coda.listPages({ ...query, pageToken }, call),
      project: projectPage,
      describe: describePage,
    })
  },
})
