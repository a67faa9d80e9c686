import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import type { NewPage, NewPageContent } from '../coda/page-calls.js'

/** Inputs of the tools that write pages. */
export const contentFormat = z
  .enum(['markdown', 'html'])
  .default('markdown')
  .describe('Format of content')

export const elementId = z
  .string()
  .min(1)
  .optional()
  .describe('Id of a line, as coda_get_page_content gives it. Default: the whole page')

export const subtitle = z.string().optional()

export const iconName = z.string().min(1).optional().describe('Name of a Coda icon, such as rocket')

export const imageUrl = z.url().optional().describe('Address of the cover image')

/** A page to create, as tools take it: flat, with at most one kind of content. */
export const newPageShape = {
  name: z.string().min(1),
  content: z.string().optional().describe('Text of the page; leave it out for an empty page'),
  contentFormat,
  parentPageId: z.string().min(1).optional().describe('Id of the page to put it below'),
  subtitle,
  iconName,
  imageUrl,
  embed: z
    .strictObject({
      url: z.url(),
      renderMethod: z.enum(['compatibility', 'standard']).optional(),
    })
    .optional()
    .describe('Show another site instead of text'),
  syncPage: z
    .strictObject({
      sourceDocId: z.string().min(1).describe('Doc id, or the address of the doc'),
      sourcePageId: z.string().min(1).optional().describe('Leave it out to show the whole doc'),
      includeSubpages: z.boolean().optional().describe('Default true; for a page only'),
    })
    .optional()
    .describe('Show another Coda doc, or one page of it, instead of text'),
}
const NewPageInput = z.object({ ...newPageShape, name: newPageShape.name.optional() })
type NewPageInput = z.infer<typeof NewPageInput>

function contentOf(page: NewPageInput): NewPageContent | undefined {
  const { content = '', contentFormat, embed, syncPage } = page
  if ([content !== '', embed !== undefined, syncPage !== undefined].filter(Boolean).length > 1) {
    throw new CodaInputError('A page has one of content, embed and syncPage. Leave the others out.')
  }
  if (embed !== undefined) return { type: 'embed', ...embed }
  if (syncPage !== undefined) {
    const { sourceDocId, sourcePageId, includeSubpages } = syncPage
    if (sourcePageId === undefined) return { type: 'syncPage', mode: 'document', sourceDocId }
    return {
      ...{ type: 'syncPage', mode: 'page', sourceDocId, sourcePageId },
      includeSubpages: includeSubpages ?? true,
    }
  }
  if (content === '') return undefined
  return { type: 'canvas', canvasContent: { format: contentFormat, content } }
}

/** @throws {@link CodaInputError} when the page would have two kinds of content. */
export function readNewPage(page: NewPageInput): NewPage {
  const { name, subtitle, iconName, imageUrl, parentPageId } = page
  return { name, subtitle, iconName, imageUrl, parentPageId, pageContent: contentOf(page) }
}
