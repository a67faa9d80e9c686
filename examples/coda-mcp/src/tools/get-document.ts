import * as z from 'zod'
import { DocOutput, describeDoc, projectDoc } from './doc-output.js'
import { docId } from './inputs.js'
import { defineTool, reads } from './tool.js'

export const getDocument = defineTool({
  name: 'coda_get_document',
  title: 'Get a Coda doc',
  description: 'Returns one doc: its title, owner, size and address.',
  inputSchema: z.object({ docId }),
  outputSchema: DocOutput,
  annotations: reads,
  operations: ['getDoc'],
  async run({ input, coda, call }) {
    const structured = projectDoc(await coda.getDoc(input, call))
    return { structured, text: describeDoc(structured) }
  },
})
