import type * as z from 'zod'
import {
  CodaError,
  CodaInputError,
  CodaResponseError,
  CodaTimeoutError,
  connectionError,
  statusError,
} from './errors.js'
import { type CodaClock, withRetries } from './retry.js'
import { ErrorBody } from './schemas.js'

/** One request to Coda. */
export interface CodaRequest<Answer> {
  /** What is being done, for messages: "listing rows". */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path below the base URL, as unencoded segments. */
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  readonly body?: unknown
  /** Whether a change may be sent again although an earlier attempt may have been accepted. */
  readonly repeatable?: boolean | undefined
  readonly answer: z.ZodType<Answer>
}

/** On whose behalf a request is sent, and until when. */
export interface CodaCall {
  /** The caller's own Coda API token. */
  readonly token: string
  /** Ends the call early, for example because the client went away. */
  readonly signal?: AbortSignal | undefined
  /** Total time in milliseconds for all attempts. Default: the client's. */
  readonly deadlineMs?: number | undefined
}

export interface CodaTransportOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly clock: CodaClock
  readonly random: () => number
  readonly deadlineMs: number
  readonly maxResponseBytes: number
}

// Coda refuses larger requests; saying so here names the way out.
const maxRequestBytes = 2_000_000

const LONE_SURROGATE = /\p{Cs}/u

// RFC 3986: every reserved character, and %20 for blanks, which form encoding writes as "+".
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Whether it is unknown, after a failure without an answer, what the request has done. */
function isWrite({ method, repeatable }: CodaRequest<unknown>): boolean {
  return method !== 'GET' && repeatable !== true
}

function requestUrl(baseUrl: string, request: CodaRequest<unknown>): URL {
  for (const text of [...request.path, ...Object.values(request.query ?? {})]) {
    if (LONE_SURROGATE.test(String(text))) {
      throw new CodaInputError(`${request.operation} needs text that is well-formed Unicode.`)
    }
  }
  for (const segment of request.path) {
    // URL parsing resolves dot segments, which would turn a name into another endpoint.
    if (segment === '' || segment === '.' || segment === '..') {
      throw new CodaInputError(
        `${request.operation} needs an id or a name that is neither empty nor made of dots only.`,
      )
    }
  }
  const url = new URL(`${baseUrl}/${request.path.map(encode).join('/')}`)
  url.search = Object.entries(request.query ?? {})
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${encode(String(value))}`))
    .join('&')
  return url
}

function requestBody(request: CodaRequest<unknown>): string | undefined {
  if (request.body === undefined) return undefined
  const text = JSON.stringify(request.body)
  if (Buffer.byteLength(text) > maxRequestBytes) {
    throw new CodaInputError(
      `${request.operation} was not sent, because Coda accepts 2 MB per request. Split it into several calls.`,
    )
  }
  return text
}

/** @throws CodaResponseError when the body is larger than `maxBytes`. */
export async function readBody(
  response: Response,
  operation: string,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) {
      throw new CodaResponseError(operation, `more than ${maxBytes} bytes`, response.status)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = response.headers.get('retry-after')
  return seconds !== null && /^\d{1,5}$/.test(seconds) ? Number(seconds) * 1_000 : undefined
}

async function readAnswer<Answer>(
  request: CodaRequest<Answer>,
  response: Response,
  token: string,
  maxBytes: number,
): Promise<Answer> {
  const { operation } = request
  const { status } = response
  const text = (await readBody(response, operation, maxBytes)).toString('utf8')
  if (status >= 300 && status < 400) {
    throw new CodaResponseError(operation, 'a redirect; CODA_API_BASE_URL is not the API', status)
  }
  const body = parseJson(text)
  if (status >= 400) {
    const said = ErrorBody.safeParse(body)
    throw statusError({
      operation,
      status,
      write: isWrite(request),
      outsideText: said.success ? said.data.message.replaceAll(token, '[redacted]') : undefined,
      retryAfterMs: retryAfterMs(response),
    })
  }
  if (body === undefined)
    throw new CodaResponseError(operation, 'something that is not JSON', status)
  const parsed = request.answer.safeParse(body)
  if (!parsed.success) {
    const places = parsed.error.issues.slice(0, 3).map(({ path }) => JSON.stringify(path.join('.')))
    throw new CodaResponseError(
      operation,
      `an unexpected shape at ${places.join(', ')}`,
      status,
      parsed.error,
    )
  }
  return parsed.data
}

/**
 * Sends one request, with retries inside the deadline: reads after 429, 5xx and network failures,
 * writes after 429 only, because any other failure leaves open whether the change was accepted; a
 * `repeatable` write is treated as a read.
 *
 * @throws {@link CodaError}; the abort reason when `call.signal` ends the call.
 */
export async function sendToCoda<Answer>(
  options: CodaTransportOptions,
  request: CodaRequest<Answer>,
  call: CodaCall,
): Promise<Answer> {
  const { clock, random, maxResponseBytes } = options
  const { operation, method } = request
  const { token, signal } = call
  const url = requestUrl(options.baseUrl, request)
  const body = requestBody(request)
  const write = isWrite(request)
  const deadlineMs = call.deadlineMs ?? options.deadlineMs
  const deadlineAt = clock.now() + deadlineMs

  const attempt = async (): Promise<Answer> => {
    signal?.throwIfAborted()
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineAt - clock.now())))
    try {
      const response = await options.fetch(url, {
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
        // A redirect must not carry the token to another place.
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      })
      return await readAnswer(request, response, token, maxResponseBytes)
    } catch (error) {
      if (error instanceof CodaError) throw error
      signal?.throwIfAborted()
      if (timeout.aborted) throw new CodaTimeoutError(operation, deadlineMs, write, error)
      throw connectionError(operation, write, error)
    }
  }

  const mayRetry = ({ code }: CodaError): boolean =>
    code === 'coda_rate_limited' || (!write && code === 'coda_unavailable')
  return await withRetries({ clock, random, deadlineAt, signal, mayRetry }, attempt)
}
