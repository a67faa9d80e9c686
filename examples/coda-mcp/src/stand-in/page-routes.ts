import { randomBytes } from 'node:crypto'
import { Router } from 'express'
import * as z from 'zod'
import { CodaReplyError } from './coda-reply.js'
import { parsePageText } from './page-text.js'
import type { RouteContext } from './route-context.js'
import { parseBody } from './row-edits.js'
import type { SampleDoc, SampleLine, SamplePage } from './sample-data.js'

const CanvasContent = z.strictObject({
  format: z.enum(['markdown', 'html']),
  content: z.string(),
})
const SyncedDoc = { type: z.literal('syncPage'), sourceDocId: z.string() }

/** A page as the API takes it. */
export const NewPageBody = z.strictObject({
  name: z.string().optional(),
  subtitle: z.string().optional(),
  iconName: z.string().optional(),
  imageUrl: z.string().optional(),
  parentPageId: z.string().optional(),
  pageContent: z
    .union([
      z.strictObject({ type: z.literal('canvas'), canvasContent: CanvasContent }),
      z.strictObject({
        type: z.literal('embed'),
        url: z.string(),
        renderMethod: z.enum(['compatibility', 'standard']).optional(),
      }),
      z.strictObject({ ...SyncedDoc, mode: z.literal('document') }),
      z.strictObject({
        ...SyncedDoc,
        mode: z.literal('page'),
        sourcePageId: z.string(),
        includeSubpages: z.boolean(),
      }),
    ])
    .optional(),
})

const PageUpdateBody = z.strictObject({
  name: z.string().optional(),
  subtitle: z.string().optional(),
  iconName: z.string().optional(),
  imageUrl: z.string().optional(),
  isHidden: z.boolean().optional(),
  contentUpdate: z
    .strictObject({
      insertionMode: z.enum(['append', 'prepend', 'replace']),
      elementId: z.string().optional(),
      canvasContent: CanvasContent,
    })
    .optional(),
})
type ContentUpdate = NonNullable<z.infer<typeof PageUpdateBody>['contentUpdate']>

const ContentDeleteBody = z.strictObject({ elementIds: z.array(z.string()).optional() })

/** Makes a page of a checked body. */
export function createSamplePage(body: z.infer<typeof NewPageBody>, at: string): SamplePage {
  const { name = 'Untitled', parentPageId: parentId, pageContent, ...settings } = body
  const canvas = pageContent?.type === 'canvas' ? pageContent.canvasContent : undefined
  return {
    id: `canvas-${randomBytes(5).toString('hex')}`,
    name,
    parentId,
    ...settings,
    contentType: pageContent?.type ?? 'canvas',
    updatedAt: at,
    lines: canvas === undefined ? [] : parsePageText(canvas.format, canvas.content),
  }
}

function requireLines(page: SamplePage, ids: readonly string[]): void {
  const missing = ids.find((wanted) => page.lines.every(({ id }) => id !== wanted))
  if (missing !== undefined) throw new CodaReplyError(400, `Could not find element ${missing}.`)
}

function editLines(lines: readonly SampleLine[], update: ContentUpdate): readonly SampleLine[] {
  const { insertionMode, elementId, canvasContent } = update
  const added = parsePageText(canvasContent.format, canvasContent.content)
  const place = lines.findIndex(({ id }) => id === elementId)
  if (elementId !== undefined && place === -1) return lines
  const first = elementId === undefined ? 0 : place
  const last = elementId === undefined ? lines.length : place + 1
  if (insertionMode === 'append') return [...lines.slice(0, last), ...added, ...lines.slice(last)]
  if (insertionMode === 'prepend') {
    return [...lines.slice(0, first), ...added, ...lines.slice(first)]
  }
  return [...lines.slice(0, first), ...added, ...lines.slice(last)]
}

function removePage(doc: SampleDoc, page: SamplePage): void {
  const gone = doc.pages.filter(({ id, parentId }) => id === page.id || parentId === page.id)
  doc.deletedPageIds = [...(doc.deletedPageIds ?? []), ...gone.map(({ id }) => id)]
  doc.pages = doc.pages.filter((candidate) => !gone.includes(candidate))
}

/** Routes of pages and their content; exports are apart. */
export function createPageRoutes(context: RouteContext): Router {
  const { resources, now, docOf, pageOf, sendList, accept } = context
  const at = (): string => new Date(now()).toISOString()
  const router = Router()

  router.get('/docs/:docId/pages', (request, response) => {
    const doc = docOf(request)
    sendList(request, response, () => doc.pages.map((page) => resources.page(doc, page)))
  })
  router.post('/docs/:docId/pages', (request, response) => {
    const doc = docOf(request)
    const body = parseBody(NewPageBody, request.body)
    const { parentPageId } = body
    if (parentPageId !== undefined && doc.pages.every(({ id }) => id !== parentPageId)) {
      throw new CodaReplyError(400, `Could not find page ${parentPageId}.`)
    }
    const page = createSamplePage(body, at())
    accept(response, {
      apply: () => {
        doc.pages = [...doc.pages, page]
      },
      answer: { id: page.id },
    })
  })
  router.get('/docs/:docId/pages/:page', (request, response) => {
    response.json(resources.page(...pageOf(request)))
  })
  router.put('/docs/:docId/pages/:page', (request, response) => {
    const [, page] = pageOf(request)
    const { contentUpdate, ...settings } = parseBody(PageUpdateBody, request.body)
    if (contentUpdate !== undefined) {
      if ((page.contentType ?? 'canvas') !== 'canvas') {
        throw new CodaReplyError(400, 'Only canvas pages have content.')
      }
      if (contentUpdate.elementId !== undefined) requireLines(page, [contentUpdate.elementId])
    }
    accept(response, {
      apply: () => {
        Object.assign(page, settings)
        if (contentUpdate !== undefined) page.lines = editLines(page.lines, contentUpdate)
        page.updatedAt = at()
      },
      answer: { id: page.id },
    })
  })
  router.delete('/docs/:docId/pages/:page', (request, response) => {
    const [doc, page] = pageOf(request)
    accept(response, { apply: () => removePage(doc, page), answer: { id: page.id } })
  })
  router.get('/docs/:docId/pages/:page/content', (request, response) => {
    const [, page] = pageOf(request)
    sendList(request, response, () =>
      page.lines.map(({ id, style, content }) => ({
        id,
        type: 'line',
        itemContent: { style, format: 'plainText', content, lineLevel: 0 },
      })),
    )
  })
  router.delete('/docs/:docId/pages/:page/content', (request, response) => {
    const [, page] = pageOf(request)
    const { elementIds = [] } = parseBody(ContentDeleteBody, request.body ?? {})
    requireLines(page, elementIds)
    accept(response, {
      apply: () => {
        page.lines =
          elementIds.length === 0 ? [] : page.lines.filter(({ id }) => !elementIds.includes(id))
        page.updatedAt = at()
      },
      answer: { id: page.id },
    })
  })
  return router
}
