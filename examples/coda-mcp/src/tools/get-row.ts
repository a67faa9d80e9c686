import * as z from 'zod'
import { docId, rowIdOrName, tableIdOrName, useColumnNames, valueFormat } from './inputs.js'
import { describeRow, projectRow, RowOutput } from './row-output.js'
import { defineTool, reads } from './tool.js'

export const getRow = defineTool({
  name: 'coda_get_row',
  title: 'Get a Coda row',
  description: 'Returns one row with its values.',
  inputSchema: z.object({ docId, tableIdOrName, rowIdOrName, useColumnNames, valueFormat }),
  outputSchema: RowOutput,
  annotations: reads,
  operations: ['getRow'],
  async run({ input, coda, call }) {
    const structured = projectRow(await coda.getRow(input, call))
    return { structured, text: describeRow(structured) }
  },
})
