import { randomBytes } from 'node:crypto'
import { Router } from 'express'
import * as z from 'zod'
import { CodaReplyError, notFound } from './coda-reply.js'
import type { Mutations } from './mutations.js'
import { createSamplePage, NewPageBody } from './page-routes.js'
import { queryOf, type RouteContext } from './route-context.js'
import { parseBody } from './row-edits.js'
import type { SampleDoc, SampleFolder } from './sample-data.js'

const NewDocBody = z.strictObject({
  title: z.string().optional(),
  sourceDoc: z.string().optional(),
  timezone: z.string().optional(),
  folderId: z.string().optional(),
  initialPage: NewPageBody.optional(),
})
const DocUpdateBody = z.strictObject({
  title: z.string().optional(),
  iconName: z.string().optional(),
})

const categories = ['Project management', 'Meetings', 'Wikis']

/** Whether a doc passes the filters of the list. The sample docs are neither starred nor in the gallery. */
function passes(doc: SampleDoc, parameters: Readonly<Record<string, string>>): boolean {
  const { query = '', folderId, workspaceId, sourceDoc } = parameters
  const facts: Readonly<Record<string, boolean>> = {
    isOwner: true,
    isPublished: doc.published !== undefined,
    isStarred: false,
    inGallery: false,
  }
  return (
    doc.name.toLowerCase().includes(query.toLowerCase()) &&
    (folderId === undefined || folderId === (doc.folderId ?? 'fl-sample')) &&
    (workspaceId === undefined || workspaceId === 'ws-sample') &&
    (sourceDoc === undefined || sourceDoc === doc.sourceDocId) &&
    Object.entries(facts).every(
      ([name, value]) => parameters[name] === undefined || parameters[name] === String(value),
    )
  )
}

function resolveLink(
  { resources }: Pick<RouteContext, 'resources'>,
  docs: readonly SampleDoc[],
  url: string,
  degradeGracefully: boolean,
): Record<string, unknown> {
  const doc = docs.find(({ id }) => new URL(url).pathname.split('/')[2]?.endsWith(`_d${id}`))
  if (doc === undefined) throw notFound('this link')
  const parts = [
    ...doc.pages.map((page) => resources.pageReference(doc, page.id)),
    ...doc.tables.map((table) => resources.tableReference(doc, table)),
    ...doc.tables.flatMap((table) =>
      table.rows.map((row) =>
        resources.row(doc, table, row, { useColumnNames: false, valueFormat: 'simple' }),
      ),
    ),
  ]
  const whole = resources.doc(doc)
  const isWhole = !/\/d\/[^/]+\/./.test(url) && new URL(url).hash === ''
  const found = isWhole ? whole : parts.find(({ browserLink }) => browserLink === url)
  if (found === undefined && !degradeGracefully) throw notFound('this link')
  return found ?? whole
}

/** Routes of docs, links and categories. `docs` is changed in place. */
export function createDocRoutes(
  context: RouteContext,
  state: {
    readonly docs: SampleDoc[]
    readonly folders: readonly SampleFolder[]
    readonly mutations: Mutations
  },
): Router {
  const { resources, now, docOf, sendList } = context
  const { docs, folders, mutations } = state

  function copyOf(sourceDoc: string | undefined): Pick<SampleDoc, 'pages' | 'tables'> {
    if (sourceDoc === undefined) return { pages: [], tables: [] }
    const source = docs.find(({ id }) => id === sourceDoc)
    if (source === undefined) throw new CodaReplyError(400, `Could not find doc ${sourceDoc}.`)
    return structuredClone({ pages: source.pages, tables: source.tables })
  }

  const router = Router()
  router.get('/docs', (request, response) => {
    sendList(request, response, (parameters) =>
      docs.filter((doc) => passes(doc, parameters)).map((doc) => resources.doc(doc)),
    )
  })
  router.post('/docs', (request, response) => {
    const body = parseBody(NewDocBody, request.body)
    const { title = 'Untitled', sourceDoc, folderId, initialPage } = body
    if (folderId !== undefined && folders.every(({ id }) => id !== folderId)) {
      throw new CodaReplyError(400, `Could not find folder ${folderId}.`)
    }
    const { pages, tables } = copyOf(sourceDoc)
    const first = createSamplePage(initialPage ?? {}, new Date(now()).toISOString())
    const doc: SampleDoc = {
      id: randomBytes(5).toString('hex'),
      name: title,
      folderId,
      sourceDocId: sourceDoc,
      pages: initialPage === undefined && pages.length > 0 ? pages : [...pages, first],
      tables,
    }
    const requestId = mutations.queue(() => docs.push(doc))
    response.status(201).json({ ...resources.doc(doc), requestId })
  })
  router.get('/docs/:docId', (request, response) => {
    response.json(resources.doc(docOf(request)))
  })
  router.patch('/docs/:docId', (request, response) => {
    const doc = docOf(request)
    const { title, iconName } = parseBody(DocUpdateBody, request.body)
    if (title !== undefined) doc.name = title
    if (iconName !== undefined) doc.iconName = iconName
    response.json({})
  })
  router.delete('/docs/:docId', (request, response) => {
    const doc = docOf(request)
    mutations.queue(() => docs.splice(docs.indexOf(doc), 1))
    response.status(202).json({})
  })
  router.get('/categories', (_request, response) => {
    response.json({ items: categories.map((name) => ({ name })) })
  })
  router.get('/resolveBrowserLink', (request, response) => {
    const { url = '', degradeGracefully } = queryOf(request)
    if (!URL.canParse(url)) throw new CodaReplyError(400, 'Invalid URL.')
    const { id, type, name, href, browserLink } = resolveLink(
      context,
      docs,
      url,
      degradeGracefully === 'true',
    )
    response.json({
      type: 'apiLink',
      href: `${resources.base}/resolveBrowserLink?url=${encodeURIComponent(url)}`,
      browserLink,
      resource: { type, id, name, href },
    })
  })
  return router
}
