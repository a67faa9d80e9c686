import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { ClientDocuments, ClientMetadata } from '../clients/client-policy.js'
import type { RecordStore, Storage } from '../storage/storage.js'
import { currentScope } from './engine-scope.js'
import { findDocument } from './find-document.js'
import { observed } from './observed-storage.js'
import { digestClientSecret, isSecretDigest } from './secrets.js'

/** A used code is kept this long after its end, in seconds, so that its reuse is still recognised. */
const USED_CODE_SECONDS = 3600

/** What the bridge between the engine and the storage needs. */
export interface AdapterOptions {
  /** Has to be observed. */
  readonly storage: Storage
  readonly documents: ClientDocuments | undefined
  /** Makes every token of a grant invalid on all replicas. */
  readonly revokeGrant: (grantId: string) => Promise<void>
}

/** A metadata document could not be fetched. Says nothing about the client. */
export class ClientDocumentUnavailableError extends Error {
  constructor(reason: string) {
    super(`the client's metadata document could not be fetched: ${reason}`)
    this.name = 'ClientDocumentUnavailableError'
  }
}

function hideSecret(payload: AdapterPayload): AdapterPayload {
  const { client_secret: secret } = payload
  if (typeof secret !== 'string' || isSecretDigest(secret)) return payload
  return { ...payload, client_secret: digestClientSecret(secret) }
}

/** Member under which the engine carries the scopes of a client; as `scope` it takes its own only. */
export const ALLOWED_SCOPES = 'allowed_scopes'

function moveScope({ scope, ...payload }: AdapterPayload): AdapterPayload {
  return scope === undefined ? payload : { ...payload, [ALLOWED_SCOPES]: scope }
}

/** The engine takes one method a client; a document may allow two, and what is sent tells which is used. */
function withUsedMethod(metadata: ClientMetadata): ClientMetadata {
  const methods = metadata.token_endpoint_auth_methods_supported ?? []
  return currentScope()?.hasAssertion === true && methods.includes('private_key_jwt')
    ? { ...metadata, token_endpoint_auth_method: 'private_key_jwt' }
    : metadata
}

function documentClient(id: string, metadata: ClientMetadata): AdapterPayload {
  return { ...withUsedMethod(metadata), client_id: id } as unknown as AdapterPayload
}

/** Client records: those of the storage first, so that a document can never take one over. */
function createClientAdapter(records: RecordStore, options: AdapterOptions): Adapter {
  const { storage, documents } = options
  const find = async (id: string): Promise<AdapterPayload | undefined> => {
    const stored = await records.find(id)
    if (stored !== undefined) return moveScope(stored)
    if (documents === undefined || !id.startsWith('https://')) return undefined
    // A client that was turned off is not found above, and is nobody's to bring back.
    if ((await storage.clients.find(id)) !== undefined) return undefined
    const scope = currentScope()
    const prepared = scope?.documents.get(id)
    if (prepared !== undefined) return documentClient(id, prepared)
    if (scope?.mayFetch === false) return undefined
    const result = await findDocument(documents, id, scope?.countFetch)
    if (result.kind === 'unavailable') throw new ClientDocumentUnavailableError(result.reason)
    return result.kind === 'invalid' ? undefined : documentClient(id, result.metadata)
  }
  return {
    ...records,
    find: (id) => observed(() => find(id)),
    upsert: (id, payload) => records.upsert(id, hideSecret(payload)),
    revokeByGrantId: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
  }
}

/** Builds the engine's adapters on our storage. */
export function createAdapterFactory(options: AdapterOptions): (model: string) => Adapter {
  const { storage, revokeGrant } = options
  return (model) => {
    const records = storage.records(model)
    if (model === 'Client') return createClientAdapter(records, options)

    const isSpared = (): boolean => {
      const scope = currentScope()
      if (scope?.spareGrant !== true) return false
      scope.spared = true
      return true
    }
    return {
      ...records,
      upsert: (id, payload, expiresIn) =>
        records.upsert(
          id,
          payload,
          expiresIn !== undefined && model === 'AuthorizationCode'
            ? expiresIn + USED_CODE_SECONDS
            : expiresIn,
        ),
      async destroy(id) {
        // The engine destroys the refresh token and the grant as part of a revocation.
        if ((model === 'Grant' || model === 'RefreshToken') && isSpared()) return
        await records.destroy(id)
      },
      revokeByGrantId: (grantId) =>
        observed(async () => {
          if (isSpared()) return
          const scope = currentScope()
          if (scope?.revokedGrants.has(grantId)) return
          scope?.revokedGrants.add(grantId)
          await revokeGrant(grantId)
        }),
    }
  }
}
