import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import { docId, pageIdOrName, wait } from './inputs.js'
import { contentFormat, elementId, iconName, imageUrl, subtitle } from './page-inputs.js'
import { PageWriteOutput, settlePageWrite } from './page-write.js'
import { defineTool } from './tool.js'

export const updatePage = defineTool({
  name: 'coda_update_page',
  title: 'Update a Coda page',
  description:
    'Changes the name, subtitle, icon, cover image, visibility or content of a page; what is left out stays as it is.',
  inputSchema: z.object({
    docId,
    pageIdOrName,
    name: z.string().min(1).optional(),
    subtitle,
    iconName,
    imageUrl,
    isHidden: z.boolean().optional().describe('Coda ignores it for the only top-level page'),
    contentUpdate: z
      .strictObject({
        insertionMode: z
          .enum(['append', 'prepend', 'replace'])
          .describe('Relative to elementId, or to the whole page'),
        content: z.string().min(1),
        contentFormat,
        elementId,
      })
      .optional(),
    wait,
  }),
  outputSchema: PageWriteOutput,
  // An append adds the same text again.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  operations: ['updatePage'],
  async run(context) {
    const { input, coda, call } = context
    const { docId, pageIdOrName, wait: _wait, contentUpdate, ...settings } = input
    const isNothing = Object.values(settings).every((value) => value === undefined)
    if (isNothing && contentUpdate === undefined) {
      throw new CodaInputError(
        'Nothing to change: give at least one of name, subtitle, iconName, imageUrl, isHidden and contentUpdate.',
      )
    }
    const changes =
      contentUpdate === undefined
        ? settings
        : {
            ...settings,
            contentUpdate: {
              insertionMode: contentUpdate.insertionMode,
              elementId: contentUpdate.elementId,
              canvasContent: {
                format: contentUpdate.contentFormat,
                content: contentUpdate.content,
              },
            },
          }
    const result = await coda.updatePage({ docId, pageIdOrName, ...changes }, call)
    return await settlePageWrite(context, 'Update of page', result)
  },
})
