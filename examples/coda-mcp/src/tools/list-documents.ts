import * as z from 'zod'
import { DocOutput, describeDoc, projectDoc } from './doc-output.js'
import { limit, nextPageToken } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { defineTool, reads } from './tool.js'

export const listDocuments = defineTool({
  name: 'coda_list_documents',
  title: 'List Coda docs',
  description:
    'Lists the docs that the account has opened at least once, latest first. query matches titles, not contents.',
  inputSchema: z.object({
    query: z.string().min(1).optional().describe('Search term for the title'),
    isOwner: z.boolean().optional().describe('Only docs owned by the account'),
    isPublished: z.boolean().optional(),
    isStarred: z.boolean().optional(),
    inGallery: z.boolean().optional().describe('Only docs that are in the gallery'),
    sourceDoc: z
      .string()
      .min(1)
      .optional()
      .describe('Only copies of this doc: its id or its address'),
    workspaceId: z.string().min(1).optional(),
    folderId: z.string().min(1).optional(),
    limit,
    nextPageToken,
  }),
  outputSchema: listSchema(DocOutput),
  annotations: reads,
  operations: ['listDocs'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'docs',
      nextPageToken,
      read: async (pageToken) => await coda.listDocs({ ...query, pageToken }, call),
      project: projectDoc,
      describe: describeDoc,
    })
  },
})
