import { parseDocId } from '../coda/doc-id.js'
import { CodaInputError } from '../coda/errors.js'
import type { CodaPage } from '../coda/schemas.js'
import type { ToolContext } from './tool.js'

/**
 * Reads a page that has to be a canvas, the only type with content of its own.
 *
 * @throws {@link CodaInputError} for a page of another type.
 */
export async function requireCanvasPage({
  input,
  coda,
  call,
}: Pick<
  ToolContext<{ readonly docId: string; readonly pageIdOrName: string }>,
  'input' | 'coda' | 'call'
>): Promise<CodaPage & { readonly docId: string }> {
  const docId = parseDocId(input.docId)
  const page = await coda.getPage({ docId, pageIdOrName: input.pageIdOrName }, call)
  if (page.contentType !== 'canvas') {
    throw new CodaInputError(
      `This page is of type ${JSON.stringify(page.contentType)} and has no content of its own; only pages of type "canvas" have. coda_list_pages tells the types.`,
    )
  }
  return { ...page, docId }
}
