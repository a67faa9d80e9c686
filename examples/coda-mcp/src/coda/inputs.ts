import type { CodaCellEdit } from './schemas.js'

/** One page of a list. */
export interface CodaListPage<Item> {
  readonly items: readonly Item[]
  /** Token of the following page; absent on the last one. */
  readonly nextPageToken?: string | undefined
}

/** What every list takes. With a `pageToken` Coda ignores all other inputs. */
export interface Paging {
  readonly limit?: number | undefined
  readonly pageToken?: string | undefined
}

/** A doc, by id or by the address that the browser shows. */
export interface InDoc {
  readonly docId: string
}
export interface InPage extends InDoc {
  readonly pageIdOrName: string
}
export interface InTable extends InDoc {
  readonly tableIdOrName: string
}
export interface InRow extends InTable {
  readonly rowIdOrName: string
}

export type ValueFormat = 'simple' | 'simpleWithArrays' | 'rich'

export interface ListDocsInput extends Paging {
  readonly query?: string | undefined
  readonly isOwner?: boolean | undefined
  readonly isPublished?: boolean | undefined
  readonly isStarred?: boolean | undefined
  readonly inGallery?: boolean | undefined
  /** Doc that the listed docs are copies of. */
  readonly sourceDoc?: string | undefined
  readonly workspaceId?: string | undefined
  readonly folderId?: string | undefined
}

export interface ListTablesInput extends InDoc, Paging {
  readonly sortBy?: 'name' | undefined
  readonly tableTypes?: readonly string[] | undefined
}

export interface ListRowsInput extends InTable, Paging {
  /** `"Column name":"value"` or `c-id:value`, the value as JSON. */
  readonly query?: string | undefined
  readonly sortBy?: 'createdAt' | 'natural' | 'updatedAt' | undefined
  readonly useColumnNames?: boolean | undefined
  readonly valueFormat?: ValueFormat | undefined
  readonly visibleOnly?: boolean | undefined
  /** `nextSyncToken` of an earlier list: only rows that were changed since then. */
  readonly syncToken?: string | undefined
}

export interface RowEdit {
  readonly cells: readonly CodaCellEdit[]
}
