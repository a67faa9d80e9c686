import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express'
import { CodaReplyError, errorBody, notFound } from './coda-reply.js'
import { createDocRoutes } from './doc-routes.js'
import { createFaults, type Faults } from './faults.js'
import { createFolderRoutes } from './folder-routes.js'
import { createMutations } from './mutations.js'
import { createObjectRoutes } from './object-routes.js'
import { createPageExports } from './page-exports.js'
import { createPageRoutes } from './page-routes.js'
import { createResources } from './resources.js'
import { createRouteContext, parameter, queryOf } from './route-context.js'
import {
  findRow,
  prepareDelete,
  prepareUpdate,
  prepareUpsert,
  readRowIds,
  selectRows,
} from './row-edits.js'
import { createSampleDocs, createSampleFolders, type SampleDoc } from './sample-data.js'
import { createSharingRoutes } from './sharing-routes.js'
import { changedSince, formatSyncToken } from './sync-token.js'

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
  /** Goes back to fresh sample docs and folders. */
  reset(): void
}

/** Path below which the API is served. */
export const standInPath = '/apis/v1'

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
  const folders = createSampleFolders()
  const faults = createFaults()
  const mutations = createMutations({ now, settleMs, unknownMs })
  const resources = createResources(`https://coda.io${standInPath}`)
  const at = (): string => new Date(now()).toISOString()

  const context = createRouteContext({ docs, resources, mutations, now })
  const exports = createPageExports(context, { settleMs, unknownMs })
  const { docOf, tableOf, sendList, accept } = context

  const api = Router()
  api.get('/whoami', (_request, response) => void response.json(resources.user()))
  api.get('/mutationStatus/:requestId', (request, response) => {
    response.json(mutations.status(parameter(request, 'requestId')))
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
    const table = resources.table(...tableOf(request))
    const showsOldName = queryOf(request).useUpdatedTableLayouts !== 'true'
    response.json(
      table.layout === 'detail' && showsOldName ? { ...table, layout: 'masterDetail' } : table,
    )
  })
  api.get('/docs/:docId/tables/:table/columns', (request, response) => {
    const [doc, table] = tableOf(request)
    sendList(request, response, () =>
      table.columns.map((column) => resources.column(doc, table, column)),
    )
  })
  api.get('/docs/:docId/tables/:table/rows', (request, response) => {
    const [doc, table] = tableOf(request)
    sendList(
      request,
      response,
      ({ query, syncToken, useColumnNames, valueFormat = 'simple' }) =>
        changedSince(selectRows(table, query), syncToken).map((row) =>
          resources.row(doc, table, row, {
            useColumnNames: useColumnNames === 'true',
            valueFormat,
          }),
        ),
      (_query, isLast) => (isLast ? { nextSyncToken: formatSyncToken(now()) } : {}),
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
  api.use(
    createDocRoutes(context, { docs, folders, mutations }),
    createFolderRoutes(context, folders),
    createPageRoutes(context),
    exports.api,
    createObjectRoutes(context),
    createSharingRoutes(context),
  )
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
  router.use(exports.storage)
  router.use(standInPath, requireToken(acceptsToken), express.json({ limit: '2mb' }), api)
  router.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (!(error instanceof CodaReplyError)) return next(error)
    response.status(error.status).json(errorBody(error.status, error.message))
  })
  return {
    router,
    docs,
    faults,
    reset: () => {
      docs.splice(0, docs.length, ...createSampleDocs())
      folders.splice(0, folders.length, ...createSampleFolders())
    },
  }
}
