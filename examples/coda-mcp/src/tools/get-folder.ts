import * as z from 'zod'
import { describeFolder, FolderOutput, folderId, projectFolder } from './folder-output.js'
import { defineTool, reads } from './tool.js'

export const getFolder = defineTool({
  name: 'coda_get_folder',
  title: 'Get a Coda folder',
  description: 'Returns one folder; coda_list_documents with folderId lists its docs.',
  inputSchema: z.object({ folderId }),
  outputSchema: FolderOutput,
  annotations: reads,
  operations: ['getFolder'],
  async run({ input, coda, call }) {
    const structured = projectFolder(await coda.getFolder(input, call))
    return { structured, text: describeFolder(structured) }
  },
})
