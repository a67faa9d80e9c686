import * as z from 'zod'
import { docId, tableIdOrName } from './inputs.js'
import { describeTable, projectTable, TableOutput } from './table-output.js'
import { defineTool, reads } from './tool.js'

export const getTable = defineTool({
  name: 'coda_get_table',
  title: 'Get a Coda table',
  description:
    'Returns one table or view: its row count, display column, layout, sorts and page, and for a view the table behind it.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    useUpdatedTableLayouts: z
      .boolean()
      .optional()
      .describe('Tell detail and form layouts apart instead of calling both masterDetail'),
  }),
  outputSchema: TableOutput,
  annotations: reads,
  operations: ['getTable'],
  async run({ input, coda, call }) {
    const structured = projectTable(await coda.getTable(input, call))
    return { structured, text: describeTable(structured) }
  },
})
