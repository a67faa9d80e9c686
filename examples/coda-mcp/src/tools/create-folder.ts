import * as z from 'zod'
import { describeFolder, FolderOutput, projectFolder } from './folder-output.js'
import { defineTool } from './tool.js'

export const createFolder = defineTool({
  name: 'coda_create_folder',
  title: 'Create a Coda folder',
  description: 'Creates a folder in a workspace.',
  inputSchema: z.object({
    name: z.string().min(1),
    workspaceId: z.string().min(1).describe('coda_whoami and coda_list_folders name workspaces'),
    description: z.string().optional(),
  }),
  outputSchema: FolderOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  operations: ['createFolder'],
  async run({ input, coda, call }) {
    const structured = projectFolder(await coda.createFolder(input, call))
    return { structured, text: `Created. ${describeFolder(structured)}` }
  },
})
