import * as z from 'zod'
import { docId } from './inputs.js'
import {
  describeNamedObject,
  NamedObjectOutput,
  projectNamedObject,
} from './named-object-output.js'
import { defineTool, reads } from './tool.js'

export const getControl = defineTool({
  name: 'coda_get_control',
  title: 'Get a Coda control',
  description: 'Returns one control with its type and its current value, which the API cannot set.',
  inputSchema: z.object({
    docId,
    controlIdOrName: z.string().min(1).describe('Control id (preferred) or name'),
  }),
  outputSchema: z.object({
    ...NamedObjectOutput.shape,
    controlType: z.string(),
    value: z.unknown(),
  }),
  annotations: reads,
  operations: ['getControl'],
  async run({ input, coda, call }) {
    const control = await coda.getControl(input, call)
    const { controlType, value } = control
    return {
      structured: { ...projectNamedObject(control), controlType, value },
      text: `${describeNamedObject(projectNamedObject(control))}, ${controlType}, value ${JSON.stringify(value)}`,
    }
  },
})
