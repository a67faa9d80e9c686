/** Why an upstream could not be asked; never text of its answer. */
export type UpstreamFailure =
  | 'network_error'
  | 'timeout'
  | 'http_status'
  | 'redirected'
  | 'body_too_large'
  | 'not_json'

/** An answer with a JSON object as its body, in memory, or why there is none. */
export type UpstreamAnswer =
  | {
      readonly ok: true
      readonly status: number
      readonly document: Readonly<Record<string, unknown>>
    }
  | { readonly ok: false; readonly reason: UpstreamFailure }

/** What a request needs; the caller holds the deadline. */
export interface UpstreamRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: BodyInit | null | undefined
}

/** Most bytes of metadata and of a key set, after decompression. */
export const MAX_DOCUMENT_BYTES = 512 * 1024

/** Most bytes of an answer of the token endpoint or the userinfo endpoint. */
export const MAX_ANSWER_BYTES = 64 * 1024

const failure = (reason: UpstreamFailure): UpstreamAnswer => ({ ok: false, reason })

/** Reads a body up to a limit; its announced length counts compressed bytes and may be absent. */
async function readText(response: Response, limit: number): Promise<string | undefined> {
  if (response.body === null) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > limit) {
      // Not awaited: a sender that never stops must not hold us here.
      reader.cancel().catch(() => undefined)
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.fromEntries(Object.entries(value))
  } catch {
    return undefined
  }
}

/** A token endpoint judges with 4xx; of everything else only 200 is an answer. */
function isAnswer(method: string, status: number): boolean {
  if (status === 200) return true
  return method === 'POST' && status >= 400 && status < 500 && status !== 408 && status !== 429
}

/**
 * Sends one request to an upstream and reads a JSON object: no redirects, at most `limit` bytes.
 *
 * A page of a proxy or a firewall is no verdict of the upstream, so whatever is not JSON is a failure,
 * with any status. Never rejects.
 */
export async function fetchUpstream(
  url: string,
  request: UpstreamRequest,
  limit: number,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  try {
    const { method, headers, body = null } = request
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal })
    const { status, type } = response
    if (!isAnswer(method, status)) {
      response.body?.cancel().catch(() => undefined)
      const isRedirect = type === 'opaqueredirect' || Math.floor(status / 100) === 3
      return failure(isRedirect ? 'redirected' : 'http_status')
    }
    const text = await readText(response, limit)
    if (text === undefined) return failure('body_too_large')
    const document = parseObject(text)
    return document === undefined ? failure('not_json') : { ok: true, status, document }
  } catch {
    return failure(signal.aborted ? 'timeout' : 'network_error')
  }
}
