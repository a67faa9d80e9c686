import * as z from 'zod'
import { parseDocId } from '../coda/doc-id.js'
import { CodaInputError } from '../coda/errors.js'
import { docId } from './inputs.js'
import { iconName } from './page-inputs.js'
import { defineTool } from './tool.js'

export const updateDocument = defineTool({
  name: 'coda_update_document',
  title: 'Update a Coda doc',
  description: 'Changes the title or the icon of a doc.',
  inputSchema: z.object({ docId, title: z.string().min(1).optional(), iconName }),
  outputSchema: z.object({
    id: z.string(),
    title: z.string().optional(),
    iconName: z.string().optional(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['updateDoc'],
  async run({ input, coda, call }) {
    const { docId, title, iconName } = input
    if (title === undefined && iconName === undefined) {
      throw new CodaInputError('Nothing to change: give title, iconName or both.')
    }
    const id = parseDocId(docId)
    await coda.updateDoc({ docId: id, title, iconName }, call)
    return { structured: { id, title, iconName }, text: `Updated the doc ${id}.` }
  },
})
