import type * as z from 'zod'
import { parseDocId } from './doc-id.js'
import type { InDoc, InTable, Paging } from './inputs.js'
import {
  type CodaCall,
  type CodaRequest,
  type CodaTransportOptions,
  sendToCoda,
} from './transport.js'

/** What the groups of calls of the client are made of. */
export interface CodaHttp {
  send<Answer>(request: CodaRequest<Answer>, call: CodaCall): Promise<Answer>
  get<Answer>(
    operation: string,
    path: readonly string[],
    answer: z.ZodType<Answer>,
    call: CodaCall,
    query?: CodaRequest<Answer>['query'],
  ): Promise<Answer>
}

/** Binds a transport to the two ways in which the client uses it. */
export function createCodaHttp(transport: CodaTransportOptions): CodaHttp {
  return {
    send: async (request, call) => await sendToCoda(transport, request, call),
    get: async (operation, path, answer, call, query = {}) =>
      await sendToCoda(transport, { operation, method: 'GET', path, query, answer }, call),
  }
}

/** The query of a list. With a page token Coda ignores every other parameter, so none is sent beside it. */
export function paged<Query extends Paging>(query: Query): Query | Pick<Paging, 'pageToken'> {
  return query.pageToken === undefined ? query : { pageToken: query.pageToken }
}

/** Path segments below a doc. */
export function docPath(input: InDoc, ...rest: string[]): string[] {
  return ['docs', parseDocId(input.docId), ...rest]
}

/** Path segments below a table. */
export function tablePath(input: InTable, ...rest: string[]): string[] {
  return docPath(input, 'tables', input.tableIdOrName, ...rest)
}
