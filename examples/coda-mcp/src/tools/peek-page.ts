import * as z from 'zod'
import { docId, pageIdOrName } from './inputs.js'
import { readList } from './list-output.js'
import { describeLine, Line, projectLine } from './page-lines.js'
import { defineTool, reads } from './tool.js'

export const peekPage = defineTool({
  name: 'coda_peek_page',
  title: 'Peek into a Coda page',
  description: 'Reads the first lines of a canvas page as text.',
  inputSchema: z.object({ docId, pageIdOrName, numLines: z.int().min(1).max(500) }),
  outputSchema: z.object({
    items: z.array(Line),
    hasMore: z.boolean().describe('Whether the page goes on; coda_get_page_content reads on'),
  }),
  annotations: reads,
  operations: ['listPageContent'],
  async run({ input: { docId, pageIdOrName, numLines }, coda, call }) {
    const { structured, text } = await readList({
      what: 'lines',
      nextPageToken: undefined,
      read: async () => await coda.listPageContent({ docId, pageIdOrName, limit: numLines }, call),
      project: projectLine,
      describe: describeLine,
    })
    const { items, nextPageToken } = structured
    const hasMore = nextPageToken !== undefined
    return {
      structured: { items, hasMore },
      text: hasMore
        ? `${items.map(describeLine).join('\n')}\nThe page goes on: read it with coda_get_page_content.`
        : text,
    }
  },
})
