import * as z from 'zod'
import { defaultCodaBaseUrl, isCodaBaseUrl } from './base-url.js'
import { createDocCalls, type DocCalls } from './doc-calls.js'
import { parseDocId } from './doc-id.js'
import { downloadExport, type ExportDownload } from './export-download.js'
import { createCodaHttp, docPath, paged, tablePath } from './http.js'
import type {
  CodaListPage,
  InDoc,
  InPage,
  InRow,
  InTable,
  ListDocsInput,
  ListRowsInput,
  ListTablesInput,
  Paging,
  RowEdit,
  ValueFormat,
} from './inputs.js'
import { createObjectCalls, type ObjectCalls } from './object-calls.js'
import { createPageCalls, type PageCalls } from './page-calls.js'
import { type CodaClock, systemClock } from './retry.js'
import * as schemas from './schemas.js'
import { createSharingCalls, type SharingCalls } from './sharing-calls.js'
import type { CodaCall } from './transport.js'

/** Options for {@link createCodaClient}. */
export interface CodaClientOptions {
  /** Base URL of the API; https, or http on loopback. Default {@link defaultCodaBaseUrl}. */
  readonly baseUrl?: string | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly clock?: CodaClock | undefined
  /** Source of jitter, 0 to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined
  /** Total time per call in milliseconds, retries included. Default 20,000. */
  readonly deadlineMs?: number | undefined
  /** Largest answer that is read, in bytes. Default 16 MiB. */
  readonly maxResponseBytes?: number | undefined
}

/**
 * Typed client of the Coda API. It holds no token: every method takes the caller's.
 *
 * Answers are checked against schemas; members that Coda adds are ignored. Each call has one deadline
 * for all of its attempts. Methods reject with a `CodaError` whose message a model can act on.
 */
export interface CodaClient extends DocCalls, ObjectCalls, PageCalls, SharingCalls {
  readonly clock: CodaClock
  whoami(call: CodaCall): Promise<schemas.CodaUser>
  listDocs(input: ListDocsInput, call: CodaCall): Promise<CodaListPage<schemas.CodaDoc>>
  getDoc(input: InDoc, call: CodaCall): Promise<schemas.CodaDoc>
  listPages(input: InDoc & Paging, call: CodaCall): Promise<CodaListPage<schemas.CodaPage>>
  getPage(input: InPage, call: CodaCall): Promise<schemas.CodaPage>
  listPageContent(
    input: InPage & Paging,
    call: CodaCall,
  ): Promise<CodaListPage<schemas.CodaPageContentItem>>
  /** Reads an exported page from the `downloadLink` of its status, without the token of the call. */
  downloadExport(input: { readonly link: string }, call: CodaCall): Promise<ExportDownload>
  listTables(
    input: ListTablesInput,
    call: CodaCall,
  ): Promise<CodaListPage<schemas.CodaTableReference>>
  getTable(
    input: InTable & {
      /** Says `detail` and `form` where `layout` would be `masterDetail` for both. */
      readonly useUpdatedTableLayouts?: boolean | undefined
    },
    call: CodaCall,
  ): Promise<schemas.CodaTable>
  listColumns(
    input: InTable & Paging & { readonly visibleOnly?: boolean | undefined },
    call: CodaCall,
  ): Promise<CodaListPage<schemas.CodaColumn>>
  listRows(input: ListRowsInput, call: CodaCall): Promise<schemas.CodaRowList>
  getRow(
    input: InRow & {
      readonly useColumnNames?: boolean | undefined
      readonly valueFormat?: ValueFormat | undefined
    },
    call: CodaCall,
  ): Promise<schemas.CodaRow>
  /** Queues inserts or, with `keyColumns`, updates of the rows that match. Base tables only. */
  upsertRows(
    input: InTable & {
      readonly rows: readonly RowEdit[]
      readonly keyColumns?: readonly string[] | undefined
      /** Ids for new rows, which make the request safe to repeat. */
      readonly rowIds?: readonly string[] | undefined
      readonly disableParsing?: boolean | undefined
    },
    call: CodaCall,
  ): Promise<schemas.CodaRowsUpsertResult>
  updateRow(
    input: InRow & { readonly row: RowEdit; readonly disableParsing?: boolean | undefined },
    call: CodaCall,
  ): Promise<schemas.CodaRowMutationResult>
  deleteRow(input: InRow, call: CodaCall): Promise<schemas.CodaRowMutationResult>
  deleteRows(
    input: InTable & { readonly rowIds: readonly string[] },
    call: CodaCall,
  ): Promise<schemas.CodaRowsDeleteResult>
  /** A 404 can mean that Coda has not registered the change yet, or has forgotten it after a day. */
  mutationStatus(
    input: { readonly requestId: string },
    call: CodaCall,
  ): Promise<schemas.CodaMutationStatus>
}

const Options = z.strictObject({
  baseUrl: z
    .string()
    .refine(isCodaBaseUrl, 'must be an https URL, or an http URL on loopback')
    .default(defaultCodaBaseUrl),
  fetch: z.custom<typeof globalThis.fetch>((value) => typeof value === 'function').optional(),
  clock: z.custom<CodaClock>((value) => typeof value === 'object').optional(),
  random: z.custom<() => number>((value) => typeof value === 'function').optional(),
  deadlineMs: z.number().int().min(1).max(300_000).default(20_000),
  maxResponseBytes: z
    .number()
    .int()
    .min(1)
    .default(16 * 1_024 * 1_024),
})

/**
 * Creates a client of the Coda API. Nothing is sent until a method is called.
 *
 * @example
 * ```ts
 * const coda = createCodaClient()
 * const user = await coda.whoami({ token })
 * ```
 *
 * @throws a `ZodError` when an option is malformed.
 */
export function createCodaClient(options: CodaClientOptions = {}): CodaClient {
  const parsed = Options.parse(options)
  const transport = {
    baseUrl: parsed.baseUrl.replace(/\/+$/, ''),
    fetch: parsed.fetch ?? globalThis.fetch,
    clock: parsed.clock ?? systemClock,
    random: parsed.random ?? Math.random,
    deadlineMs: parsed.deadlineMs,
    maxResponseBytes: parsed.maxResponseBytes,
  }

  const http = createCodaHttp(transport)
  const { get, send } = http

  return {
    clock: transport.clock,
    ...createDocCalls(http),
    ...createObjectCalls(http),
    ...createPageCalls(http),
    ...createSharingCalls(http),
    whoami: async (call) => await get('reading the account', ['whoami'], schemas.User, call),
    downloadExport: async ({ link }, call) => await downloadExport(transport, link, call),
    listDocs: async ({ sourceDoc, ...query }, call) =>
      await get('listing docs', ['docs'], schemas.DocList, call, {
        ...paged({
          ...query,
          ...(sourceDoc === undefined ? {} : { sourceDoc: parseDocId(sourceDoc) }),
        }),
      }),
    getDoc: async (input, call) => await get('reading the doc', docPath(input), schemas.Doc, call),
    listPages: async ({ docId, ...query }, call) =>
      await get('listing pages', docPath({ docId }, 'pages'), schemas.PageList, call, {
        ...paged(query),
      }),
    getPage: async (input, call) =>
      await get(
        'reading the page',
        docPath(input, 'pages', input.pageIdOrName),
        schemas.Page,
        call,
      ),
    listPageContent: async ({ docId, pageIdOrName, ...query }, call) =>
      await get(
        'reading the page content',
        docPath({ docId }, 'pages', pageIdOrName, 'content'),
        schemas.PageContentList,
        call,
        { ...paged({ ...query, contentFormat: 'plainText' }) },
      ),
    listTables: async ({ docId, tableTypes, ...query }, call) =>
      await get('listing tables', docPath({ docId }, 'tables'), schemas.TableList, call, {
        ...paged({ ...query, tableTypes: tableTypes?.join(',') }),
      }),
    getTable: async ({ docId, tableIdOrName, ...query }, call) =>
      await get(
        'reading the table',
        tablePath({ docId, tableIdOrName }),
        schemas.Table,
        call,
        query,
      ),
    listColumns: async ({ docId, tableIdOrName, ...query }, call) =>
      await get(
        'listing columns',
        tablePath({ docId, tableIdOrName }, 'columns'),
        schemas.ColumnList,
        call,
        { ...paged(query) },
      ),
    listRows: async ({ docId, tableIdOrName, ...query }, call) =>
      await get(
        'listing rows',
        tablePath({ docId, tableIdOrName }, 'rows'),
        schemas.RowList,
        call,
        {
          ...paged(query),
        },
      ),
    getRow: async ({ docId, tableIdOrName, rowIdOrName, ...query }, call) =>
      await get(
        'reading the row',
        tablePath({ docId, tableIdOrName }, 'rows', rowIdOrName),
        schemas.Row,
        call,
        query,
      ),
    upsertRows: async ({ docId, tableIdOrName, disableParsing, ...body }, call) =>
      await send(
        {
          operation: 'upserting rows',
          method: 'POST',
          path: tablePath({ docId, tableIdOrName }, 'rows'),
          query: { disableParsing },
          body,
          // With ids of its own a row that was added already is not added again.
          repeatable: body.rowIds !== undefined && body.keyColumns === undefined,
          answer: schemas.RowsUpsertResult,
        },
        call,
      ),
    updateRow: async ({ docId, tableIdOrName, rowIdOrName, row, disableParsing }, call) =>
      await send(
        {
          operation: 'updating the row',
          method: 'PUT',
          path: tablePath({ docId, tableIdOrName }, 'rows', rowIdOrName),
          query: { disableParsing },
          body: { row },
          answer: schemas.RowMutationResult,
        },
        call,
      ),
    deleteRow: async (input, call) =>
      await send(
        {
          operation: 'deleting the row',
          method: 'DELETE',
          path: tablePath(input, 'rows', input.rowIdOrName),
          answer: schemas.RowMutationResult,
        },
        call,
      ),
    deleteRows: async ({ docId, tableIdOrName, rowIds }, call) =>
      await send(
        {
          operation: 'deleting rows',
          method: 'DELETE',
          path: tablePath({ docId, tableIdOrName }, 'rows'),
          body: { rowIds },
          answer: schemas.RowsDeleteResult,
        },
        call,
      ),
    mutationStatus: async ({ requestId }, call) =>
      await get(
        'reading the status of the change',
        ['mutationStatus', requestId],
        schemas.MutationStatus,
        call,
      ),
  }
}
