import * as z from 'zod'
import { DocOutput, describeDoc, projectDoc } from './doc-output.js'
import { wait } from './inputs.js'
import { describeMutation, settleMutation } from './mutation.js'
import { newPageShape, readNewPage } from './page-inputs.js'
import { defineTool } from './tool.js'

const { name: pageName, parentPageId: _parentPageId, ...initialPageShape } = newPageShape

export const createDocument = defineTool({
  name: 'coda_create_document',
  title: 'Create a Coda doc',
  description: 'Creates a doc, empty or as a copy of another one, optionally with a first page.',
  inputSchema: z.object({
    title: z.string().min(1).optional().describe('Default: Untitled'),
    sourceDoc: z.string().min(1).optional().describe('Doc to copy: its id or its address'),
    folderId: z.string().min(1).optional().describe('Default: the folder "My docs"'),
    timezone: z.string().min(1).optional().describe('Such as America/Los_Angeles'),
    initialPage: z.strictObject({ name: pageName.optional(), ...initialPageShape }).optional(),
    wait,
  }),
  outputSchema: z.object({
    ...DocOutput.shape,
    status: z
      .enum(['completed', 'queued'])
      .describe('queued: the doc exists, its content is not confirmed yet'),
    requestId: z
      .string()
      .optional()
      .describe('Pass it to coda_wait_for_mutation to learn the outcome'),
    warning: z.string().optional(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  operations: ['createDoc'],
  async run(context) {
    const { input, coda, call } = context
    const { wait: _wait, initialPage, ...settings } = input
    const created = await coda.createDoc(
      {
        ...settings,
        ...(initialPage === undefined ? {} : { initialPage: readNewPage(initialPage) }),
      },
      call,
    )
    const doc = projectDoc(created)
    const { requestId } = created
    if (requestId === undefined) {
      return {
        structured: { ...doc, status: 'completed' as const },
        text: `Created. ${describeDoc(doc)}`,
      }
    }
    const mutation = await settleMutation(context, requestId)
    return {
      structured: { ...doc, ...mutation },
      text: `${describeDoc(doc)}\n${describeMutation('Its content', mutation)}`,
    }
  },
})
