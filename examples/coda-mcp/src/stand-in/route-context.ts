import type { Request, Response } from 'express'
import { CodaReplyError, notFound } from './coda-reply.js'
import type { Mutations } from './mutations.js'
import { formatList, type ListQuery, readListQuery } from './paging.js'
import type { Resources } from './resources.js'
import type { PreparedEdit } from './row-edits.js'
import type { SampleDoc, SamplePage, SampleTable } from './sample-data.js'

/** What the routes of the stand-in share. */
export interface RouteContext {
  readonly resources: Resources
  /** Epoch milliseconds. */
  readonly now: () => number
  docOf(request: Request): SampleDoc
  pageOf(request: Request): [SampleDoc, SamplePage]
  /** A view comes with the rows of its table. */
  tableOf(request: Request): [SampleDoc, SampleTable]
  sendList(
    request: Request,
    response: Response,
    items: (query: ListQuery['parameters']) => readonly unknown[],
    extra?: (query: ListQuery['parameters'], isLast: boolean) => Record<string, unknown>,
  ): void
  /** Answers 202 and applies the change later. */
  accept(response: Response, edit: PreparedEdit): void
}

export function parameter(request: Request, name: string): string {
  return String(request.params[name])
}

export function queryOf(request: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.query).map(([name, value]) => [name, String(value)]),
  )
}

/** Finds by id, then by name, as Coda does wherever it takes both. */
export function byIdOrName<Item extends { readonly id: string; readonly name: string }>(
  items: readonly Item[],
  idOrName: string,
  what: string,
): Item {
  const item =
    items.find(({ id }) => id === idOrName) ?? items.find(({ name }) => name === idOrName)
  if (item === undefined) throw notFound(`${what} ${idOrName}`)
  return item
}

function withRowsOfBase(doc: SampleDoc, table: SampleTable): SampleTable {
  const base = doc.tables.find(({ id }) => id === table.viewOf)
  if (base === undefined) return table
  return {
    ...table,
    get rows() {
      return base.rows
    },
    set rows(rows) {
      base.rows = rows
    },
  }
}

/** Creates what the routes share over a set of docs. */
export function createRouteContext(options: {
  readonly docs: readonly SampleDoc[]
  readonly resources: Resources
  readonly mutations: Mutations
  readonly now: () => number
}): RouteContext {
  const { docs, resources, mutations, now } = options

  function docOf(request: Request): SampleDoc {
    const doc = docs.find(({ id }) => id === parameter(request, 'docId'))
    if (doc === undefined) throw notFound('this doc')
    return doc
  }

  return {
    resources,
    now,
    docOf,
    pageOf(request) {
      const doc = docOf(request)
      const page = parameter(request, 'page')
      if (doc.deletedPageIds?.includes(page)) throw new CodaReplyError(410, 'Gone')
      return [doc, byIdOrName(doc.pages, page, 'page')]
    },
    tableOf(request) {
      const doc = docOf(request)
      return [
        doc,
        withRowsOfBase(doc, byIdOrName(doc.tables, parameter(request, 'table'), 'table')),
      ]
    },
    sendList(request, response, items, extra = () => ({})) {
      const query = readListQuery(queryOf(request))
      const href = `${resources.base}${request.path}`
      const list = formatList(items(query.parameters), query, href)
      response.json({ ...list, ...extra(query.parameters, !('nextPageToken' in list)) })
    },
    accept(response, edit) {
      response.status(202).json({ requestId: mutations.queue(edit.apply), ...edit.answer })
    },
  }
}
