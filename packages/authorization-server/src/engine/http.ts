import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import type { ErrorView, Pages } from '../pages/pages.js'
import { ClientDocumentUnavailableError } from './adapter.js'
import type { EngineResponse } from './engine-call.js'

/** Headers of everything that is about one request only. */
export const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

const MAX_PARAMETERS = 100

/** What an endpoint is asked, without the framework's request object. */
export interface EndpointRequest {
  readonly method: string
  /** As configured in `PATHS`; public, whatever the router is mounted under. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly headers: IncomingMessage['headers']
  /** Address of the client, as far as proxies are trusted. */
  readonly remoteAddress: string | undefined
  /** Network of the client, by which limits count. */
  readonly network: string
  /** Reads the body; `undefined` when it is longer than `limit` bytes. */
  body(limit: number): Promise<string | undefined>
}

/** What an endpoint answers. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: string | Buffer
}

/** A JSON answer that nobody may keep. */
export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...NO_STORE, ...headers },
    body: JSON.stringify(body),
  }
}

/** An error of RFC 6749 section 5.2. The description is fixed text of ours. */
export function oauthError(
  status: number,
  error: string,
  description?: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = description === undefined ? { error } : { error, error_description: description }
  return jsonAnswer(status, body, headers)
}

/** A page with all the headers that pages have. */
export function pageAnswer(
  pages: Pages,
  status: number,
  html: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Answer {
  return {
    status,
    headers: {
      ...NO_STORE,
      ...pages.headers,
      'content-type': 'text/html; charset=utf-8',
      ...headers,
    },
    body: html,
  }
}

/** The error page. */
export function errorPage(
  pages: Pages,
  status: number,
  reason: ErrorView['reason'],
  retryAfterSeconds: number | undefined = status === 503 ? 5 : undefined,
): Answer {
  const requestId = randomUUID()
  return pageAnswer(
    pages,
    status,
    pages.error({ status, reason, requestId, retryAfterSeconds }),
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  )
}

/** Refuses a program that asks too often. The code is one that clients know from outages, to wait for. */
export function tooManyRequests(retryAfterSeconds: number): Answer {
  return oauthError(429, 'temporarily_unavailable', 'too many requests', {
    'retry-after': String(retryAfterSeconds),
  })
}

/** Sees other (RFC 9110): the browser goes on with GET. */
export function redirectAnswer(
  location: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Answer {
  return { status: 303, headers: { ...NO_STORE, location, ...headers }, body: '' }
}

/** Tells whether a dependency failed, as opposed to us. */
export function isOutage(error: unknown): boolean {
  if (error instanceof ClientDocumentUnavailableError) return true
  return isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'
}

/** Parses a form. `undefined` when a name comes twice or there are too many. */
export function parseForm(
  text: string,
  repeatable: ReadonlySet<string> = new Set(),
): URLSearchParams | undefined {
  let count = text === '' ? 0 : 1
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) {
    count += 1
    if (count > MAX_PARAMETERS) return undefined
  }
  const form = new URLSearchParams(text)
  const names = [...form.keys()]
  const unique = new Set(names)
  if (unique.size === names.length) return form
  const repeated = [...unique].filter((name) => form.getAll(name).length > 1)
  return repeated.every((name) => repeatable.has(name)) ? form : undefined
}

/** Copies what the engine answered; hop-by-hop and length headers are ours. */
export function engineAnswer(
  response: EngineResponse,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { 'content-length': _, connection: __, ...own } = response.headers
  return { status: response.status, headers: { ...own, ...headers }, body: response.body }
}

/** Sends an answer. HEAD gets the same headers without the body. */
export function sendAnswer(method: string, response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) {
    response.setHeader(name, typeof value === 'string' ? value : [...value])
  }
  response.setHeader('content-length', Buffer.byteLength(answer.body))
  response.end(method === 'HEAD' ? undefined : answer.body)
}

function formEncode(body: unknown): string {
  const form = new URLSearchParams()
  if (typeof body !== 'object' || body === null) return ''
  for (const [name, value] of Object.entries(body)) {
    for (const each of [value].flat()) if (typeof each === 'string') form.append(name, each)
  }
  return form.toString()
}

/** What a body parser that is mounted before us has left. */
function parsedBody(request: IncomingMessage): string | undefined {
  const body: unknown = Reflect.get(request, 'body')
  if (body === undefined) return undefined
  if (typeof body === 'string') return body
  if (Buffer.isBuffer(body)) return body.toString('utf8')
  const type = request.headers['content-type'] ?? ''
  return type.startsWith('application/json') ? JSON.stringify(body) : formEncode(body)
}

/** Reads a body of at most `limit` bytes as UTF-8. */
export async function readBody(
  request: IncomingMessage,
  limit: number,
): Promise<string | undefined> {
  if (!request.readable) {
    const text = parsedBody(request) ?? ''
    return Buffer.byteLength(text) > limit ? undefined : text
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    request.resume()
    return undefined
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      // What comes after the limit is read to its end, and dropped.
      if (length <= limit) chunks.push(chunk)
      else resolve(undefined)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the request was aborted')))
  })
}
