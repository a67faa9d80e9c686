import * as z from 'zod'
import { parseDocId } from './doc-id.js'
import { type CodaHttp, docPath } from './http.js'
import type { InDoc, InPage } from './inputs.js'
import type { CodaCall } from './transport.js'

/** Format of page content that is written or exported. */
export type PageFormat = 'markdown' | 'html'

interface CanvasContent {
  readonly format: PageFormat
  readonly content: string
}

/** What a new page shows: text, another site, or another doc or page of Coda. */
export type NewPageContent =
  | { readonly type: 'canvas'; readonly canvasContent: CanvasContent }
  | {
      readonly type: 'embed'
      readonly url: string
      readonly renderMethod?: 'compatibility' | 'standard' | undefined
    }
  | { readonly type: 'syncPage'; readonly mode: 'document'; readonly sourceDocId: string }
  | {
      readonly type: 'syncPage'
      readonly mode: 'page'
      readonly sourceDocId: string
      readonly sourcePageId: string
      readonly includeSubpages: boolean
    }

/** A page to create; Coda names it itself when `name` is left out. */
export interface NewPage {
  readonly name?: string | undefined
  readonly subtitle?: string | undefined
  readonly iconName?: string | undefined
  readonly imageUrl?: string | undefined
  readonly parentPageId?: string | undefined
  readonly pageContent?: NewPageContent | undefined
}

/** Changes of a page; what is left out stays as it is. */
export interface PageChanges {
  readonly name?: string | undefined
  readonly subtitle?: string | undefined
  readonly iconName?: string | undefined
  readonly imageUrl?: string | undefined
  readonly isHidden?: boolean | undefined
  readonly contentUpdate?:
    | {
        readonly insertionMode: 'append' | 'prepend' | 'replace'
        /** Place in the page that the mode is relative to. Default: the whole page. */
        readonly elementId?: string | undefined
        readonly canvasContent: CanvasContent
      }
    | undefined
}

const PageMutation = z.looseObject({ requestId: z.string(), id: z.string() })
const ExportBegun = z.looseObject({ id: z.string() })
// The status is a free text that differs from the documentation, so nothing is read from it.
const ExportStatus = z.looseObject({
  downloadLink: z.string().optional(),
  error: z.string().optional(),
})

export type CodaPageMutation = z.infer<typeof PageMutation>
export type CodaExportBegun = z.infer<typeof ExportBegun>
export type CodaExportStatus = z.infer<typeof ExportStatus>

/** Calls that write and export pages. Every change is queued: its `requestId` tells when it is applied. */
export interface PageCalls {
  createPage(input: InDoc & NewPage, call: CodaCall): Promise<CodaPageMutation>
  updatePage(input: InPage & PageChanges, call: CodaCall): Promise<CodaPageMutation>
  deletePage(input: InPage, call: CodaCall): Promise<CodaPageMutation>
  /** Deletes the elements, or without `elementIds` everything on the page. */
  deletePageContent(
    input: InPage & { readonly elementIds?: readonly string[] | undefined },
    call: CodaCall,
  ): Promise<CodaPageMutation>
  /** Two exports of one page at a time spoil each other. */
  beginPageExport(
    input: InPage & { readonly outputFormat: PageFormat },
    call: CodaCall,
  ): Promise<CodaExportBegun>
  /** A 404 can mean that Coda has not registered the export yet. */
  pageExportStatus(
    input: InPage & { readonly exportId: string },
    call: CodaCall,
  ): Promise<CodaExportStatus>
}

function pagePath({ docId, pageIdOrName }: InPage, ...rest: string[]): string[] {
  return docPath({ docId }, 'pages', pageIdOrName, ...rest)
}

/** The page as Coda takes it: docs by id only. */
export function newPageBody(page: NewPage): NewPage {
  const { pageContent } = page
  if (pageContent?.type !== 'syncPage') return page
  return {
    ...page,
    pageContent: { ...pageContent, sourceDocId: parseDocId(pageContent.sourceDocId) },
  }
}

/** Creates the calls for pages. */
export function createPageCalls({ send, get }: Pick<CodaHttp, 'send' | 'get'>): PageCalls {
  return {
    createPage: async ({ docId, ...page }, call) =>
      await send(
        {
          operation: 'creating the page',
          method: 'POST',
          path: docPath({ docId }, 'pages'),
          body: newPageBody(page),
          answer: PageMutation,
        },
        call,
      ),
    updatePage: async ({ docId, pageIdOrName, ...body }, call) =>
      await send(
        {
          operation: 'updating the page',
          method: 'PUT',
          path: pagePath({ docId, pageIdOrName }),
          body,
          answer: PageMutation,
        },
        call,
      ),
    deletePage: async (input, call) =>
      await send(
        {
          operation: 'deleting the page',
          method: 'DELETE',
          path: pagePath(input),
          answer: PageMutation,
        },
        call,
      ),
    deletePageContent: async ({ elementIds, ...input }, call) =>
      await send(
        {
          operation: 'deleting the page content',
          method: 'DELETE',
          path: pagePath(input, 'content'),
          ...(elementIds === undefined ? {} : { body: { elementIds } }),
          answer: PageMutation,
        },
        call,
      ),
    beginPageExport: async ({ outputFormat, ...input }, call) =>
      await send(
        {
          operation: 'exporting the page',
          method: 'POST',
          path: pagePath(input, 'export'),
          body: { outputFormat },
          repeatable: true,
          answer: ExportBegun,
        },
        call,
      ),
    pageExportStatus: async ({ exportId, ...input }, call) =>
      await get(
        'reading the status of the export',
        pagePath(input, 'export', exportId),
        ExportStatus,
        call,
      ),
  }
}
