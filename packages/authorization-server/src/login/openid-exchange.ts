import type { CustomFetch } from 'openid-client'
import { fetchUpstream, MAX_ANSWER_BYTES, MAX_DOCUMENT_BYTES } from './upstream-fetch.js'
import type { UpstreamMetadata } from './upstream-metadata.js'

/** The requests of one sign-in. */
export interface OpenidExchange {
  /** The `fetch` of the protocol library, with our limits. */
  readonly fetch: CustomFetch
  /**
   * Why the upstream could not be asked, once that happened. It decides over whatever the protocol
   * library makes of it: an outage says nothing about the answer.
   */
  outage(): string | undefined
}

function endpointName(url: string, metadata: UpstreamMetadata): string {
  if (url === new URL(metadata.jwks_uri).href) return 'key_set'
  return url === new URL(metadata.token_endpoint).href ? 'token_endpoint' : 'userinfo'
}

/** Makes the requests of one sign-in; `signal` ends them all. */
export function createOpenidExchange(
  metadata: UpstreamMetadata,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): OpenidExchange {
  let outage: string | undefined

  return {
    outage: () => outage,
    fetch: async (url, request) => {
      const endpoint = endpointName(url, metadata)
      const limit = endpoint === 'key_set' ? MAX_DOCUMENT_BYTES : MAX_ANSWER_BYTES
      const { method, headers, body } = request
      // The library's types say `BodyInit` in their own words.
      const form = body instanceof URLSearchParams ? body : undefined
      const answer = await fetchUpstream(url, { method, headers, body: form }, limit, fetch, signal)
      if (!answer.ok) {
        outage = `${endpoint}_${answer.reason}`
        throw new Error('the upstream could not be asked')
      }
      return Response.json(answer.document, { status: answer.status })
    },
  }
}
