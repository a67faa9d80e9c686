import type { ClientDocumentResult, ClientDocuments } from '../clients/client-policy.js'
import { RateLimitedError } from '../limits/rate-limited.js'
import type { EndpointRequest } from './http.js'
import type { EngineParts } from './parts.js'

/** Counts a fetch on behalf of a caller; resolves with the seconds to wait when it is too much. */
export type CountFetch = () => Promise<number | undefined>

/** Counts a fetch for whoever sent a request. */
export function countFetch(
  { limits }: EngineParts,
  { network }: EndpointRequest,
): Promise<number | undefined> {
  return limits.take({ limit: 'clientDocuments', key: [network] })
}

/**
 * Looks a metadata document up. What has to be fetched counts for the caller.
 *
 * @throws RateLimitedError when the caller has made this server fetch too often.
 */
export async function findDocument(
  documents: ClientDocuments,
  clientId: string,
  countFetch: CountFetch | undefined,
): Promise<ClientDocumentResult> {
  let wait: number | undefined
  const admit = async (): Promise<boolean> => {
    wait = await countFetch?.()
    return wait === undefined
  }
  const result = await documents.find(clientId, admit)
  if (wait !== undefined) throw new RateLimitedError(wait)
  return result
}
