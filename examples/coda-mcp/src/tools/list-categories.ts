import * as z from 'zod'
import { defineTool, reads } from './tool.js'

export const listCategories = defineTool({
  name: 'coda_list_categories',
  title: 'List categories of published Coda docs',
  description: 'Lists the categories that a doc can be published in.',
  inputSchema: z.object({}),
  outputSchema: z.object({ items: z.array(z.object({ name: z.string() })) }),
  annotations: reads,
  operations: ['listCategories'],
  async run({ coda, call }) {
    const { items } = await coda.listCategories(call)
    const names = items.map(({ name }) => name)
    return {
      structured: { items: names.map((name) => ({ name })) },
      text: names.length === 0 ? 'No categories.' : names.join('\n'),
    }
  },
})
