import * as z from 'zod'
import { listSchema, readList } from './list-output.js'
import {
  describeNamedObject,
  NamedObjectOutput,
  namedObjectListInput,
  projectNamedObject,
} from './named-object-output.js'
import { defineTool, reads } from './tool.js'

export const listControls = defineTool({
  name: 'coda_list_controls',
  title: 'List controls of a Coda doc',
  description:
    'Lists the controls of a doc, such as selects and sliders, without their values; coda_get_control reads a value.',
  inputSchema: z.object(namedObjectListInput),
  outputSchema: listSchema(NamedObjectOutput),
  annotations: reads,
  operations: ['listControls'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'controls',
      nextPageToken,
      read: async (pageToken) => await coda.listControls({ ...query, pageToken }, call),
      project: projectNamedObject,
      describe: describeNamedObject,
    })
  },
})
