import { claimedClient } from '../limits/client-limits.js'
import { ClientDocumentUnavailableError } from './adapter.js'
import { fetchClientKeys } from './client-keys.js'
import type { Engine } from './engine.js'
import type { Documents } from './engine-scope.js'
import { countFetch, findDocument } from './find-document.js'
import { refuseClient } from './form-endpoint.js'
import type { Answer, EndpointRequest } from './http.js'

/** What there is to know of a client that is not in the storage, or the refusal. */
type PreparedClient =
  | { readonly ok: true; readonly documents: Documents }
  | { readonly ok: false; readonly answer: Answer }

/** Reads the document of a client that has one. `undefined` when it is not acceptable. */
async function readDocument(
  { parts }: Engine,
  request: EndpointRequest,
  clientId: string,
): Promise<Documents | undefined> {
  const { documents, storage } = parts
  if (documents === undefined || !clientId.startsWith('https://')) return new Map()
  // A client that is stored wins, also when it was turned off.
  if ((await storage.clients.find(clientId)) !== undefined) return new Map()
  const result = await findDocument(documents, clientId, () => countFetch(parts, request))
  if (result.kind === 'unavailable') throw new ClientDocumentUnavailableError(result.reason)
  return result.kind === 'found' ? new Map([[clientId, result.metadata]]) : undefined
}

/**
 * Fetches whatever has to be fetched for the client that a request names. To be called before the
 * transaction of the request, so that it never waits for a server elsewhere: with an embedded database
 * everybody would wait with it.
 *
 * @throws {@link ClientDocumentUnavailableError} when a document or keys cannot be had now.
 * @throws RateLimitedError when the caller has made this server fetch too often.
 */
export async function prepareClient(
  engine: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
): Promise<PreparedClient> {
  const documents = await readDocument(engine, request, claimedClient(request, form))
  if (documents === undefined) {
    const answer = refuseClient(request, engine.parts.issuer, 'client authentication failed')
    return { ok: false, answer }
  }
  const answer = await fetchClientKeys(engine, request, form, documents)
  return answer === undefined ? { ok: true, documents } : { ok: false, answer }
}
