import * as z from 'zod'
import { docId, pageIdOrName } from './inputs.js'
import { describePage, PageOutput, projectPage } from './page-output.js'
import { defineTool, reads } from './tool.js'

export const getPage = defineTool({
  name: 'coda_get_page',
  title: 'Get a Coda page',
  description: 'Returns one page without its content; coda_get_page_content reads the content.',
  inputSchema: z.object({ docId, pageIdOrName }),
  outputSchema: PageOutput,
  annotations: reads,
  operations: ['getPage'],
  async run({ input, coda, call }) {
    const structured = projectPage(await coda.getPage(input, call))
    return { structured, text: describePage(structured) }
  },
})
