import * as z from 'zod'
import { describeFolder, FolderOutput, projectFolder } from './folder-output.js'
import { limit, nextPageToken } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { defineTool, reads } from './tool.js'

export const listFolders = defineTool({
  name: 'coda_list_folders',
  title: 'List Coda folders',
  description: 'Lists the folders that the account can see.',
  inputSchema: z.object({
    workspaceId: z.string().min(1).optional().describe('Only folders of this workspace'),
    isStarred: z.boolean().optional(),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(FolderOutput),
  annotations: reads,
  operations: ['listFolders'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'folders',
      nextPageToken,
      read: async (pageToken) => await coda.listFolders({ ...query, pageToken }, call),
      project: projectFolder,
      describe: describeFolder,
    })
  },
})
