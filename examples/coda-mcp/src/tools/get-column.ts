import * as z from 'zod'
import { ColumnOutput, describeColumn, projectColumn } from './column-output.js'
import { columnIdOrName, docId, tableIdOrName } from './inputs.js'
import { defineTool, reads } from './tool.js'

export const getColumn = defineTool({
  name: 'coda_get_column',
  title: 'Get a Coda column',
  description: 'Returns one column with its type, its options and its formula.',
  inputSchema: z.object({ docId, tableIdOrName, columnIdOrName }),
  outputSchema: z.object({ ...ColumnOutput.shape, tableId: z.string() }),
  annotations: reads,
  operations: ['getColumn'],
  async run({ input, coda, call }) {
    const column = await coda.getColumn(input, call)
    const structured = { ...projectColumn(column), tableId: column.parent.id }
    const details = JSON.stringify({ ...structured.format, formula: structured.formula })
    return {
      structured,
      text: `${describeColumn(structured)}, of table ${column.parent.id} ${details}`,
    }
  },
})
