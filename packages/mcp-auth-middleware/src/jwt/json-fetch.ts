import { readBytes } from '../read-bytes.js'
import { type JsonObject, parseJsonObject } from './compact-jws.js'
import type { KeyFetchReason } from './reasons.js'

/** Most bytes of a document after decompression. */
export const MAX_DOCUMENT_BYTES = 512 * 1024

/** Time for a whole load (metadata and keys, bodies included), in milliseconds. */
export const LOAD_DEADLINE = 3000

/** A fetched document, or a short word that says why there is none. Never upstream text. */
export type JsonFetchResult =
  | { readonly ok: true; readonly document: JsonObject; readonly cacheControl: string | undefined }
  | { readonly ok: false; readonly reason: KeyFetchReason }

const failure = (reason: KeyFetchReason): JsonFetchResult => ({ ok: false, reason })

/** Runs work under one deadline. The work must stop when the signal fires, but is not waited for. */
export async function withDeadline<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
  onTimeout: () => Result,
): Promise<Result> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<Result>((resolve) => {
    timer = setTimeout(() => {
      controller.abort()
      resolve(onTimeout())
    }, milliseconds)
  })
  try {
    return await Promise.race([work(controller.signal), timeout])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Fetches one JSON object: no redirects, no cookies, at most {@link MAX_DOCUMENT_BYTES}. The caller
 * holds the deadline, since metadata and keys share one.
 */
export async function fetchJson(
  url: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<JsonFetchResult> {
  try {
    // No `credentials` option: Workers refuse it, and no runtime here has a cookie jar.
    const response = await fetch(url, {
      method: 'GET',
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal,
    })
    const { status, type, headers } = response
    if (status !== 200) {
      response.body?.cancel().catch(() => undefined)
      const redirected = type === 'opaqueredirect' || Math.floor(status / 100) === 3
      return failure(redirected ? 'redirected' : 'http_status')
    }
    const body = await readBytes(response.body, MAX_DOCUMENT_BYTES)
    if (body === undefined) return failure('body_too_large')
    const document = parseJsonObject(body)
    if (document === undefined) return failure('not_json')
    return { ok: true, document, cacheControl: headers.get('cache-control') ?? undefined }
  } catch {
    // Also when a custom `fetch` answers with something that is no response.
    return failure(signal.aborted ? 'timeout' : 'network_error')
  }
}
