import * as z from 'zod'
import { listSchema, readList } from './list-output.js'
import {
  describeNamedObject,
  NamedObjectOutput,
  namedObjectListInput,
  projectNamedObject,
} from './named-object-output.js'
import { defineTool, reads } from './tool.js'

export const listFormulas = defineTool({
  name: 'coda_list_formulas',
  title: 'List formulas of a Coda doc',
  description:
    'Lists the named formulas of a doc without their values; coda_get_formula reads a value.',
  inputSchema: z.object(namedObjectListInput),
  outputSchema: listSchema(NamedObjectOutput),
  annotations: reads,
  operations: ['listFormulas'],
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'formulas',
      nextPageToken,
      read: async (pageToken) => await coda.listFormulas({ ...query, pageToken }, call),
      project: projectNamedObject,
      describe: describeNamedObject,
    })
  },
})
