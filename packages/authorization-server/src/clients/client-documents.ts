import { parseClientDocument } from './client-document.js'
import {
  type ClientDocumentsOptions,
  parseClientDocumentsOptions,
} from './client-documents-options.js'
import type { ClientDocumentResult, ClientDocuments, ClientMetadata } from './client-policy.js'
import { createDocumentCache } from './document-cache.js'
import { freshnessSeconds } from './document-freshness.js'
import { parseDocumentId } from './document-id.js'
import { createFetchBudget } from './fetch-budget.js'
import { FetchFailure } from './fetch-failure.js'
import { type GuardedResponse, guardedRequest } from './guarded-request.js'
import { createAddressRule } from './public-address.js'

const MAX_DOCUMENT_BYTES = 5 * 1024
const MAX_CACHE_BYTES = 2 * 1024 * 1024
const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json *(?:;|$)/i

/** Refuses every answer that is not a document. Redirects are never followed (draft section 5). */
function checkResponse({ status, headers }: GuardedResponse): void {
  if (status >= 300 && status < 400) throw new FetchFailure('invalid', 'redirected')
  if (status === 404 || status === 410) throw new FetchFailure('invalid', 'not_found')
  // An edge that challenges this server answers 403 or 429, which says nothing about the document.
  if (status !== 200) throw new FetchFailure('unavailable', 'status_not_ok')
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    throw new FetchFailure('invalid', 'content_type_not_json')
  }
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
    throw new FetchFailure('invalid', 'content_encoded')
  }
}

/** Reason of a call that was not admitted. */
const NOT_ADMITTED = 'not_admitted'

/**
 * Creates the reader of Client ID Metadata Documents.
 *
 * A document is fetched over https from public addresses only, checked before any connection is opened;
 * it may have 5 KiB and take 3 seconds. Good documents are kept as their HTTP headers say, within 1
 * minute and 24 hours, and never longer: when its host is down after that, the client is unavailable.
 * Refused documents and failures are not kept. What strangers can make this server fetch is bounded, in
 * total and by host. A client that is stored under an https id is the caller's to look up first.
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 * @see MCP 2026-07-28 basic/authorization - Client ID Metadata Documents
 * @see draft-ietf-oauth-client-id-metadata-document
 */
export function createClientDocuments(options: ClientDocumentsOptions = {}): ClientDocuments {
  const settings = parseClientDocumentsOptions(options)
  const { now, redirectPolicy } = settings
  const closing = new AbortController()
  const cache = createDocumentCache(settings.cacheEntries, MAX_CACHE_BYTES)
  const running = new Map<string, Promise<ClientDocumentResult>>()
  const idRules = { hosts: settings.allowHosts, ports: settings.ports }
  const guard = {
    resolve: settings.lookup,
    isAllowed: createAddressRule(settings.dangerouslyAllowAddresses),
    ca: settings.ca,
    deadlineMilliseconds: settings.deadlineMilliseconds,
    limit: MAX_DOCUMENT_BYTES,
  }
  const budget = createFetchBudget(
    {
      perMinute: settings.fetchesPerMinute,
      perHostPerMinute: settings.fetchesPerHostPerMinute,
      atOnce: settings.fetchesAtOnce,
    },
    now,
  )

  async function fetchDocument(id: string, url: URL): Promise<ClientMetadata> {
    const release = budget.take(url.hostname)
    try {
      const response = await guardedRequest(url, guard, closing.signal)
      checkResponse(response)
      const metadata = parseClientDocument(id, response.body, redirectPolicy)
      const time = now()
      const expiresAt = time + freshnessSeconds(response.headers, time) * 1000
      cache.set(id, { metadata, bytes: response.body.byteLength, expiresAt }, time)
      return metadata
    } finally {
      release()
    }
  }

  async function lookUp(
    id: string,
    admit: (() => Promise<boolean>) | undefined,
  ): Promise<ClientDocumentResult> {
    try {
      const url = parseDocumentId(id, idRules)
      if (closing.signal.aborted) throw new FetchFailure('unavailable', 'closed')
      const known = cache.get(id, now())
      if (known !== undefined) return { kind: 'found', metadata: known }
      if ((await admit?.()) === false) throw new FetchFailure('unavailable', NOT_ADMITTED)
      return { kind: 'found', metadata: await fetchDocument(id, url) }
    } catch (error) {
      return error instanceof FetchFailure
        ? { kind: error.kind, reason: error.reason }
        : { kind: 'unavailable', reason: 'unexpected_failure' }
    }
  }

  return {
    async find(clientId, admit) {
      for (;;) {
        const pending = running.get(clientId)
        if (pending === undefined) break
        const result = await pending
        // Somebody else was not let through, which says nothing of this call.
        if (result.kind !== 'unavailable' || result.reason !== NOT_ADMITTED) return result
      }
      const result = lookUp(clientId, admit).finally(() => running.delete(clientId))
      running.set(clientId, result)
      return result
    },
    close() {
      closing.abort()
      cache.clear()
    },
  }
}
