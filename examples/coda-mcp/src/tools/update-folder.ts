import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import { describeFolder, FolderOutput, folderId, projectFolder } from './folder-output.js'
import { defineTool } from './tool.js'

export const updateFolder = defineTool({
  name: 'coda_update_folder',
  title: 'Update a Coda folder',
  description: 'Changes the name or the description of a folder.',
  inputSchema: z.object({
    folderId,
    name: z.string().min(1).optional(),
    description: z.string().optional(),
  }),
  outputSchema: FolderOutput,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['updateFolder'],
  async run({ input, coda, call }) {
    if (input.name === undefined && input.description === undefined) {
      throw new CodaInputError('Nothing to change: give name, description or both.')
    }
    const structured = projectFolder(await coda.updateFolder(input, call))
    return { structured, text: `Updated. ${describeFolder(structured)}` }
  },
})
