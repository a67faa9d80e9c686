import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express'
import { CodaReplyError, errorBody, notFound } from './coda-reply.js'
import { createFaults, type Faults } from './faults.js'
import { createMutations } from './mutations.js'
import { formatList, type ListQuery, readListQuery } from './paging.js'
import { createResources } from './resources.js'
import {
  findRow,
  type PreparedEdit,
  prepareDelete,
  prepareUpdate,
  prepareUpsert,
  readRowIds,
  selectRows,
} from './row-edits.js'
import {
  createSampleDocs,
  type SampleDoc,
  type SamplePage,
  type SampleTable,
} from './sample-data.js'

/** A request as the stand-in received it. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Options for {@link createCodaStandIn}. */
export interface CodaStandInOptions {
  /** Decides which Bearer tokens are good. Default: every non-empty one. */
  readonly acceptsToken?: ((token: string) => boolean) | undefined
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Time until an accepted change is applied, in milliseconds. Default 1,500. */
  readonly settleMs?: number | undefined
  /** Time during which the status of a new change is 404, in milliseconds. Default 0. */
  readonly unknownMs?: number | undefined
  /** Sees every request, for tests. */
  readonly onRequest?: ((request: ReceivedRequest) => void) | undefined
}

/** A small Coda: the routes that this server uses, on sample docs in memory. */
export interface CodaStandIn {
  /** Serves the API below `/apis/v1`. */
  readonly router: Router
  readonly docs: readonly SampleDoc[]
  readonly faults: Faults
}

/** Path below which the API is served. */
export const standInPath = '/apis/v1'

function parameter(request: Request, name: string): string {
  return String(request.params[name])
}

function queryOf(request: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.query).map(([name, value]) => [name, String(value)]),
  )
}

function byIdOrName<Item extends { readonly id: string; readonly name: string }>(
  items: readonly Item[],
  idOrName: string,
  what: string,
): Item {
  const item =
    items.find(({ id }) => id === idOrName) ?? items.find(({ name }) => name === idOrName)
  if (item === undefined) throw notFound(`${what} ${idOrName}`)
  return item
}

function requireToken(acceptsToken: (token: string) => boolean): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction): void => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined || !acceptsToken(token)) throw new CodaReplyError(401, 'Unauthorized')
    next()
  }
}

/**
 * Creates a stand-in for Coda's API: the same routes, shapes and delays as far as this server uses
 * them. Changes are accepted with 202 and become visible later. For tests and first runs.
 */
export function createCodaStandIn(options: CodaStandInOptions = {}): CodaStandIn {
  const { acceptsToken = () => true, now = Date.now, settleMs = 1_500, unknownMs = 0 } = options
  const docs = createSampleDocs()
  const faults = createFaults()
  const mutations = createMutations({ now, settleMs, unknownMs })
  const resources = createResources(`https://coda.io${standInPath}`)
  const at = (): string => new Date(now()).toISOString()

  function docOf(request: Request): SampleDoc {
    const doc = docs.find(({ id }) => id === parameter(request, 'docId'))
    if (doc === undefined) throw notFound('this doc')
    return doc
  }
  function pageOf(request: Request): [SampleDoc, SamplePage] {
    const doc = docOf(request)
    return [doc, byIdOrName(doc.pages, parameter(request, 'page'), 'page')]
  }
  function tableOf(request: Request): [SampleDoc, SampleTable] {
    const doc = docOf(request)
    return [doc, byIdOrName(doc.tables, parameter(request, 'table'), 'table')]
  }
  function sendList(
    request: Request,
    response: Response,
    items: (query: ListQuery['parameters']) => readonly unknown[],
  ): void {
    const query = readListQuery(queryOf(request))
    const href = `${resources.base}${request.path}`
    response.json(formatList(items(query.parameters), query, href))
  }
  function accept(response: Response, edit: PreparedEdit): void {
    response.status(202).json({ requestId: mutations.queue(edit.apply), ...edit.answer })
  }

  const api = Router()
  api.get('/whoami', (_request, response) => void response.json(resources.user()))
  api.get('/mutationStatus/:requestId', (request, response) => {
    response.json(mutations.status(parameter(request, 'requestId')))
  })
  api.get('/docs', (request, response) => {
    sendList(request, response, ({ query = '' }) =>
      docs
        .filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()))
        .map((doc) => resources.doc(doc)),
    )
  })
  api.get('/docs/:docId', (request, response) => {
    response.json(resources.doc(docOf(request)))
  })
  api.get('/docs/:docId/pages', (request, response) => {
    const doc = docOf(request)
    sendList(request, response, () => doc.pages.map((page) => resources.page(doc, page)))
  })
  api.get('/docs/:docId/pages/:page', (request, response) => {
    response.json(resources.page(...pageOf(request)))
  })
  api.get('/docs/:docId/pages/:page/content', (request, response) => {
    const [, page] = pageOf(request)
    sendList(request, response, () =>
      page.lines.map(({ style, content }, index) => ({
        id: `cl-${page.id}-${index}`,
        type: 'line',
        itemContent: { style, format: 'plainText', content, lineLevel: 0 },
      })),
    )
  })
  api.get('/docs/:docId/tables', (request, response) => {
    const doc = docOf(request)
    sendList(request, response, ({ tableTypes }) =>
      doc.tables
        .map((table) => resources.tableReference(doc, table))
        .filter(
          ({ tableType }) =>
            tableTypes === undefined || tableTypes.split(',').includes(String(tableType)),
        ),
    )
  })
  api.get('/docs/:docId/tables/:table', (request, response) => {
    response.json(resources.table(...tableOf(request)))
  })
  api.get('/docs/:docId/tables/:table/columns', (request, response) => {
    const [doc, table] = tableOf(request)
    sendList(request, response, () =>
      table.columns.map((column) => resources.column(doc, table, column)),
    )
  })
  api.get('/docs/:docId/tables/:table/rows', (request, response) => {
    const [doc, table] = tableOf(request)
    sendList(request, response, ({ query, useColumnNames, valueFormat = 'simple' }) =>
      selectRows(table, query).map((row) =>
        resources.row(doc, table, row, { useColumnNames: useColumnNames === 'true', valueFormat }),
      ),
    )
  })
  api.post('/docs/:docId/tables/:table/rows', (request, response) => {
    accept(response, prepareUpsert(tableOf(request)[1], request.body, at))
  })
  api.delete('/docs/:docId/tables/:table/rows', (request, response) => {
    const rowIds = readRowIds(request.body)
    const edit = prepareDelete(tableOf(request)[1], rowIds)
    accept(response, { ...edit, answer: { rowIds } })
  })
  api.get('/docs/:docId/tables/:table/rows/:row', (request, response) => {
    const [doc, table] = tableOf(request)
    const { useColumnNames, valueFormat = 'simple' } = queryOf(request)
    const format = { useColumnNames: useColumnNames === 'true', valueFormat }
    const row = resources.row(doc, table, findRow(table, parameter(request, 'row')), format)
    response.json({ ...row, parent: resources.tableReference(doc, table) })
  })
  api.put('/docs/:docId/tables/:table/rows/:row', (request, response) => {
    const [, table] = tableOf(request)
    accept(response, prepareUpdate(table, parameter(request, 'row'), request.body, at))
  })
  api.delete('/docs/:docId/tables/:table/rows/:row', (request, response) => {
    const [, table] = tableOf(request)
    const { id } = findRow(table, parameter(request, 'row'))
    accept(response, { ...prepareDelete(table, [id]), answer: { id } })
  })
  api.use(() => {
    throw notFound('this route')
  })

  const router = Router()
  router.use((request, _response, next) => {
    const { method, originalUrl: url, headers } = request
    options.onRequest?.({ method, url, headers })
    mutations.settle()
    next()
  })
  router.use(faults.middleware)
  router.use(standInPath, requireToken(acceptsToken), express.json({ limit: '2mb' }), api)
  router.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (!(error instanceof CodaReplyError)) return next(error)
    response.status(error.status).json(errorBody(error.status, error.message))
  })
  return { router, docs, faults }
}
