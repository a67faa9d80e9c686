import * as z from 'zod'
import { docId, pageIdOrName, wait } from './inputs.js'
import { contentFormat, elementId } from './page-inputs.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { type CodaTool, defineTool, type ToolBehaviour } from './tool.js'

function defineEdit(tool: {
  readonly name: `coda_${string}`
  readonly title: string
  readonly description: string
  readonly insertionMode: 'append' | 'prepend' | 'replace'
  readonly annotations: ToolBehaviour
  readonly what: string
}): CodaTool {
  const { name, title, description, insertionMode, annotations, what } = tool
  return defineTool({
    name,
    title,
    description,
    inputSchema: z.object({
      docId,
      pageIdOrName,
      content: z.string().min(1),
      contentFormat,
      elementId,
      wait,
    }),
    outputSchema: PageWriteOutput,
    annotations,
    operations: ['updatePage'],
    async run(context) {
      const { docId, pageIdOrName, content, contentFormat: format, elementId } = context.input
      const contentUpdate = { insertionMode, elementId, canvasContent: { format, content } }
      const page = { docId, pageIdOrName, contentUpdate }
      return await settlePageWrite(context, what, await context.coda.updatePage(page, context.call))
    },
  })
}

const adds: ToolBehaviour = { readOnlyHint: false, destructiveHint: false, idempotentHint: false }

export const appendPageContent = defineEdit({
  name: 'coda_append_page_content',
  title: 'Append to a Coda page',
  description: 'Adds text at the end of a canvas page, or behind one line of it.',
  insertionMode: 'append',
  annotations: adds,
  what: 'Addition to page',
})

export const prependPageContent = defineEdit({
  name: 'coda_prepend_page_content',
  title: 'Prepend to a Coda page',
  description: 'Adds text at the beginning of a canvas page, or before one line of it.',
  insertionMode: 'prepend',
  annotations: adds,
  what: 'Addition to page',
})

export const replacePageContent = defineEdit({
  name: 'coda_replace_page_content',
  title: 'Replace the content of a Coda page',
  description:
    'Replaces everything on a canvas page, tables and attachments included, or one line of it. To change a part, give its elementId: reading a page and writing it back loses content.',
  insertionMode: 'replace',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  what: 'Replacement of the content of page',
})
