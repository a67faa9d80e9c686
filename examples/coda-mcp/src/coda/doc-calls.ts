import * as z from 'zod'
import { parseDocId } from './doc-id.js'
import { type CodaHttp, docPath, paged } from './http.js'
import type { CodaListPage, InDoc, Paging } from './inputs.js'
import { type NewPage, newPageBody } from './page-calls.js'
import { Doc, page, Reference } from './schemas.js'
import type { CodaCall } from './transport.js'

/** A doc to create, empty or as a copy of another one. */
export interface NewDoc {
  readonly title?: string | undefined
  /** Doc to copy, by id or by its address. */
  readonly sourceDoc?: string | undefined
  readonly timezone?: string | undefined
  readonly folderId?: string | undefined
  readonly initialPage?: NewPage | undefined
}

const CreatedDoc = z.looseObject({ ...Doc.shape, requestId: z.string().optional() })

const Folder = z.looseObject({
  id: z.string(),
  name: z.string(),
  browserLink: z.string(),
  description: z.string().optional(),
  canEdit: z.boolean().optional(),
  createdAt: z.string().optional(),
  workspace: Reference,
})
const FolderList = page(Folder)

const ApiLink = z.looseObject({
  browserLink: z.string().optional(),
  resource: z.looseObject({
    type: z.string(),
    id: z.string(),
    name: z.string().optional(),
    href: z.string(),
  }),
})

const CategoryList = z.looseObject({ items: z.array(z.looseObject({ name: z.string() })) })

const Nothing = z.looseObject({})

export type CodaCreatedDoc = z.infer<typeof CreatedDoc>
export type CodaFolder = z.infer<typeof Folder>
export type CodaApiLink = z.infer<typeof ApiLink>

interface InFolder {
  readonly folderId: string
}

/** Calls that write docs and folders, and those about the account as a whole. */
export interface DocCalls {
  /** The first page is filled later; `requestId` tells when. */
  createDoc(input: NewDoc, call: CodaCall): Promise<CodaCreatedDoc>
  updateDoc(
    input: InDoc & { readonly title?: string | undefined; readonly iconName?: string | undefined },
    call: CodaCall,
  ): Promise<unknown>
  /** Queues the deletion. Coda gives no request id for it. */
  deleteDoc(input: InDoc, call: CodaCall): Promise<unknown>
  listFolders(
    input: Paging & {
      readonly workspaceId?: string | undefined
      readonly isStarred?: boolean | undefined
    },
    call: CodaCall,
  ): Promise<CodaListPage<CodaFolder>>
  getFolder(input: InFolder, call: CodaCall): Promise<CodaFolder>
  createFolder(
    input: {
      readonly name: string
      readonly workspaceId: string
      readonly description?: string | undefined
    },
    call: CodaCall,
  ): Promise<CodaFolder>
  updateFolder(
    input: InFolder & {
      readonly name?: string | undefined
      readonly description?: string | undefined
    },
    call: CodaCall,
  ): Promise<CodaFolder>
  deleteFolder(input: InFolder, call: CodaCall): Promise<unknown>
  /** Finds what a browser address shows; with `degradeGracefully` its doc when the part is gone. */
  resolveBrowserLink(
    input: { readonly url: string; readonly degradeGracefully?: boolean | undefined },
    call: CodaCall,
  ): Promise<CodaApiLink>
  /** Categories that published docs can have. */
  listCategories(call: CodaCall): Promise<{ readonly items: readonly { readonly name: string }[] }>
}

/** Creates the calls for docs, folders and the account. */
export function createDocCalls({ send, get }: Pick<CodaHttp, 'send' | 'get'>): DocCalls {
  return {
    createDoc: async ({ sourceDoc, initialPage, ...doc }, call) =>
      await send(
        {
          operation: 'creating the doc',
          method: 'POST',
          path: ['docs'],
          body: {
            ...doc,
            ...(sourceDoc === undefined ? {} : { sourceDoc: parseDocId(sourceDoc) }),
            ...(initialPage === undefined ? {} : { initialPage: newPageBody(initialPage) }),
          },
          answer: CreatedDoc,
        },
        call,
      ),
    updateDoc: async ({ docId, ...body }, call) =>
      await send(
        {
          operation: 'updating the doc',
          method: 'PATCH',
          path: docPath({ docId }),
          body,
          answer: Nothing,
        },
        call,
      ),
    deleteDoc: async (input, call) =>
      await send(
        { operation: 'deleting the doc', method: 'DELETE', path: docPath(input), answer: Nothing },
        call,
      ),
    listFolders: async (query, call) =>
      await get('listing folders', ['folders'], FolderList, call, { ...paged(query) }),
    getFolder: async ({ folderId }, call) =>
      await get('reading the folder', ['folders', folderId], Folder, call),
    createFolder: async (body, call) =>
      await send(
        {
          operation: 'creating the folder',
          method: 'POST',
          path: ['folders'],
          body,
          answer: Folder,
        },
        call,
      ),
    updateFolder: async ({ folderId, ...body }, call) =>
      await send(
        {
          operation: 'updating the folder',
          method: 'PATCH',
          path: ['folders', folderId],
          body,
          answer: Folder,
        },
        call,
      ),
    deleteFolder: async ({ folderId }, call) =>
      await send(
        {
          operation: 'deleting the folder',
          method: 'DELETE',
          path: ['folders', folderId],
          answer: Nothing,
        },
        call,
      ),
    resolveBrowserLink: async (query, call) =>
      await get('resolving the link', ['resolveBrowserLink'], ApiLink, call, query),
    listCategories: async (call) =>
      await get('listing categories', ['categories'], CategoryList, call),
  }
}
