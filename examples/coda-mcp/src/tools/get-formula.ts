import * as z from 'zod'
import { docId } from './inputs.js'
import {
  describeNamedObject,
  NamedObjectOutput,
  projectNamedObject,
} from './named-object-output.js'
import { defineTool, reads } from './tool.js'

export const getFormula = defineTool({
  name: 'coda_get_formula',
  title: 'Get a Coda formula',
  description: 'Returns one named formula with its current value.',
  inputSchema: z.object({
    docId,
    formulaIdOrName: z.string().min(1).describe('Formula id (preferred) or name'),
  }),
  outputSchema: z.object({ ...NamedObjectOutput.shape, value: z.unknown() }),
  annotations: reads,
  operations: ['getFormula'],
  async run({ input, coda, call }) {
    const formula = await coda.getFormula(input, call)
    const { value } = formula
    return {
      structured: { ...projectNamedObject(formula), value },
      text: `${describeNamedObject(projectNamedObject(formula))}, value ${JSON.stringify(value)}`,
    }
  },
})
