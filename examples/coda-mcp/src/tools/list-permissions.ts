import * as z from 'zod'
import { docId, limit, nextPageToken } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { describePermission, PermissionOutput, projectPermission } from './permission-output.js'
import { defineTool, reads } from './tool.js'

export const listPermissions = defineTool({
  name: 'coda_list_permissions',
  title: 'List permissions of a Coda doc',
  description: 'Lists with whom a doc is shared and what they may do.',
  inputSchema: z.object({ docId, limit, nextPageToken }),
  outputSchema: listSchema(PermissionOutput),
  annotations: reads,
  operations: ['getPermissions'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'permissions',
      nextPageToken,
      read: async (pageToken) => await coda.listPermissions({ ...query, pageToken }, call),
      project: projectPermission,
      describe: describePermission,
    })
  },
})
