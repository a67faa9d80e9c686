import { type CodaHttp, docPath, paged } from './http.js'
import type { CodaListPage, InDoc, Paging } from './inputs.js'
import { type CodaDocMutationResult, DocMutationResult } from './object-schemas.js'
import * as schemas from './sharing-schemas.js'
import type { CodaCall } from './transport.js'

export interface AddPermissionInput extends InDoc {
  readonly access: 'readonly' | 'write' | 'comment'
  readonly principal: schemas.CodaAddedPrincipal
  readonly suppressEmail?: boolean | undefined
}

export interface UpdateSharingSettingsInput extends InDoc {
  readonly allowEditorsToChangePermissions?: boolean | undefined
  readonly allowCopying?: boolean | undefined
  readonly allowViewersToRequestEditing?: boolean | undefined
}

export interface PublishInput extends InDoc {
  readonly slug?: string | undefined
  readonly discoverable?: boolean | undefined
  readonly categoryNames?: readonly string[] | undefined
  readonly mode?: 'view' | 'play' | 'edit' | undefined
}

/** Calls that read and change who can see a doc. */
export interface SharingCalls {
  getSharingMetadata(input: InDoc, call: CodaCall): Promise<schemas.CodaSharingMetadata>
  listPermissions(
    input: InDoc & Paging,
    call: CodaCall,
  ): Promise<CodaListPage<schemas.CodaPermission>>
  addPermission(input: AddPermissionInput, call: CodaCall): Promise<unknown>
  deletePermission(
    input: InDoc & { readonly permissionId: string },
    call: CodaCall,
  ): Promise<unknown>
  /** At most 20 users and 20 groups. */
  searchPrincipals(
    input: InDoc & { readonly query: string },
    call: CodaCall,
  ): Promise<schemas.CodaPrincipals>
  getSharingSettings(input: InDoc, call: CodaCall): Promise<schemas.CodaSharingSettings>
  updateSharingSettings(
    input: UpdateSharingSettingsInput,
    call: CodaCall,
  ): Promise<schemas.CodaSharingSettings>
  /** Queues the publication, or the change of how the doc is published. */
  publishDoc(input: PublishInput, call: CodaCall): Promise<CodaDocMutationResult>
  unpublishDoc(input: InDoc, call: CodaCall): Promise<unknown>
}

export function createSharingCalls({ get, send }: CodaHttp): SharingCalls {
  return {
    getSharingMetadata: async (input, call) =>
      await get(
        'reading what may be shared',
        docPath(input, 'acl', 'metadata'),
        schemas.SharingMetadata,
        call,
      ),
    listPermissions: async ({ docId, ...query }, call) =>
      await get(
        'listing permissions',
        docPath({ docId }, 'acl', 'permissions'),
        schemas.PermissionList,
        call,
        { ...paged(query) },
      ),
    addPermission: async ({ docId, ...body }, call) =>
      await send(
        {
          operation: 'sharing the doc',
          method: 'POST',
          path: docPath({ docId }, 'acl', 'permissions'),
          body,
          answer: schemas.Done,
        },
        call,
      ),
    deletePermission: async (input, call) =>
      await send(
        {
          operation: 'deleting the permission',
          method: 'DELETE',
          path: docPath(input, 'acl', 'permissions', input.permissionId),
          answer: schemas.Done,
        },
        call,
      ),
    searchPrincipals: async ({ docId, query }, call) =>
      await get(
        'searching people and groups',
        docPath({ docId }, 'acl', 'principals', 'search'),
        schemas.Principals,
        call,
        { query },
      ),
    getSharingSettings: async (input, call) =>
      await get(
        'reading the sharing settings',
        docPath(input, 'acl', 'settings'),
        schemas.SharingSettings,
        call,
      ),
    updateSharingSettings: async ({ docId, ...body }, call) =>
      await send(
        {
          operation: 'changing the sharing settings',
          method: 'PATCH',
          path: docPath({ docId }, 'acl', 'settings'),
          body,
          answer: schemas.SharingSettings,
        },
        call,
      ),
    publishDoc: async ({ docId, ...body }, call) =>
      await send(
        {
          operation: 'publishing the doc',
          method: 'PUT',
          path: docPath({ docId }, 'publish'),
          body,
          answer: DocMutationResult,
        },
        call,
      ),
    unpublishDoc: async (input, call) =>
      await send(
        {
          operation: 'unpublishing the doc',
          method: 'DELETE',
          path: docPath(input, 'publish'),
          answer: schemas.Done,
        },
        call,
      ),
  }
}
