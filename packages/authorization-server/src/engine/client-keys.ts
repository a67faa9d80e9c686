import { decodeJwt } from 'jose'
import { FetchFailure } from '../clients/fetch-failure.js'
import type { PublicFetch } from '../clients/public-fetch.js'
import { RateLimitedError } from '../limits/rate-limited.js'
import { ClientDocumentUnavailableError } from './adapter.js'
import type { Engine } from './engine.js'
import { createEngineScope, currentScope, type Documents, runInScope } from './engine-scope.js'
import { countFetch } from './find-document.js'
import { type Answer, type EndpointRequest, oauthError } from './http.js'

/** Events of the engine about requests in which a client may prove itself by a key. */
export const CLIENT_ERROR_EVENTS = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'pushed_authorization_request.error',
] as const

/** Makes the engine get the keys of clients from public addresses, up to a length and a time. */
export function createClientKeysFetch(publicFetch: PublicFetch) {
  return async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const scope = currentScope()
    // They were fetched before the transaction, and have gone since.
    if (scope?.mayFetch === false) throw new FetchFailure('unavailable', 'in_transaction')
    const wait = await scope?.countFetch?.()
    if (wait !== undefined) throw new RateLimitedError(wait)
    const url = input instanceof Request ? input.url : input
    const response = await publicFetch(url, { signal: init?.signal })
    const { status } = response
    if (status === 200) return response
    // As for documents: an edge that challenges this server says nothing about the keys.
    throw status === 404 || status === 410
      ? new FetchFailure('invalid', 'not_found')
      : new FetchFailure('unavailable', 'status_not_ok')
  }
}

/**
 * Tells whether an error of the engine comes from keys that cannot be had now. The engine takes it for
 * a client that is not who it says, which would make the client give its registration up.
 */
export function clientKeysOutage(error: unknown): Error | undefined {
  let cause = error
  for (let depth = 0; depth < 4 && cause instanceof Error; depth += 1) {
    if (cause instanceof RateLimitedError) return cause
    if (cause instanceof FetchFailure) {
      return cause.kind === 'unavailable'
        ? new ClientDocumentUnavailableError(`keys: ${cause.reason}`)
        : undefined
    }
    cause = cause.cause
  }
  return undefined
}

function subjectOf(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub
  } catch {
    return undefined
  }
}

/**
 * Fetches the keys of a client that proves itself by one, so that no transaction waits for a server
 * elsewhere.
 *
 * @returns the refusal, when there are none.
 */
export async function fetchClientKeys(
  engine: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
  documents: Documents,
): Promise<Answer | undefined> {
  const assertion = form.get('client_assertion')
  const clientId = assertion === null ? undefined : subjectOf(assertion)
  if (clientId === undefined) return undefined
  const scope = createEngineScope({
    documents,
    countFetch: () => countFetch(engine.parts, request),
  })
  scope.hasAssertion = true
  return runInScope(scope, async () => {
    const client = await engine.provider.Client.find(clientId)
    if (client?.clientAuthMethod !== 'private_key_jwt' || client.jwksUri === undefined) {
      return undefined
    }
    // Not in the types of the engine, which keeps them for a minute or as long as the answer says.
    const keys = client.asymmetricKeyStore as { refresh(): Promise<void> }
    try {
      await keys.refresh()
      return undefined
    } catch (error) {
      const outage = clientKeysOutage(error)
      if (outage !== undefined) throw outage
      return oauthError(401, 'invalid_client', 'the keys of the client cannot be used')
    }
  })
}
