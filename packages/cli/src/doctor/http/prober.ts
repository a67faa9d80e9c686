import { setTimeout as wait } from 'node:timers/promises'
import {
  type ConnectionFailure,
  classifyFailure,
  INNER_ADDRESS,
  RUN_OVER,
} from './connection-failure.js'
import { showUrl } from './quote.js'
import type { Reach } from './reach.js'

const MAX_BODY = 64 * 1024

/** A request of a check. */
export interface ProbeRequest {
  readonly method?: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** What people see in the place of a URL that is too long or holds a credential. */
  readonly shown?: string
  /** What is special about it, for people, for example `initialize, no token`. */
  readonly about?: string
  /** Sent even though the same was sent before. Of requests that change something. */
  readonly isFresh?: boolean
  /** Waited for even when the run is over meanwhile: it makes something, which has to be known to be removed. */
  readonly isAwaited?: boolean
}

/** The answer to a request, its body capped. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `undefined` when it is none. */
  readonly json: unknown
}

/** A request and what came of it: an answer or a failure. */
export interface Exchange {
  readonly url: URL
  /** The request for people. Never holds a token. */
  readonly sent: string
  readonly answer: Answer | undefined
  readonly failure: ConnectionFailure | undefined
}

/** Sends requests for checks. Never follows a redirect and never rejects. Made by {@link createProber}. */
export type Probe = (request: ProbeRequest) => Promise<Exchange>

/** Options of {@link createProber}. */
export interface ProberOptions {
  readonly fetch: typeof fetch
  /** Milliseconds of one request. */
  readonly deadline: number
  /** Ends all requests. */
  readonly signal: AbortSignal
  /** Decides whether a request may be sent. Default: each may. */
  readonly mayReach?: Reach | undefined
  /** Hears of each request that the end of the run cut off. */
  readonly onCutOff?: (() => void) | undefined
}

async function readCapped(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    while (size < MAX_BODY) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      size += value.byteLength
    }
  } catch {
    // What came before the deadline is enough for most checks; what is cut off is no JSON.
  }
  await Promise.race([reader.cancel().catch(() => undefined), wait(100)])
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, MAX_BODY))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function describe({ method = 'GET', url, shown = showUrl(url), about }: ProbeRequest): string {
  return `${method} ${shown}${about === undefined ? '' : ` (${about})`}`
}

/** Whether a request may be sent. Names are resolved no longer than an answer is waited for. */
async function isReachable(url: URL, { mayReach }: ProberOptions, signal: AbortSignal) {
  if (mayReach === undefined) return true
  let give: () => void = () => undefined
  const end = new Promise<never>((_resolve, reject) => {
    give = () => reject(signal.reason)
    signal.addEventListener('abort', give, { once: true })
  })
  try {
    return await Promise.race([mayReach(url), end])
  } finally {
    signal.removeEventListener('abort', give)
  }
}

async function send(request: ProbeRequest, options: ProberOptions): Promise<Exchange> {
  const { method = 'GET', headers = {}, body } = request
  const url = new URL(request.url)
  const sent = describe(request)
  const deadline = AbortSignal.timeout(options.deadline)
  const signal = request.isAwaited === true ? deadline : AbortSignal.any([deadline, options.signal])
  try {
    options.signal.throwIfAborted()
    if (!(await isReachable(url, options, signal))) {
      const failure = { kind: 'connection', code: INNER_ADDRESS } as const
      return { url, sent, answer: undefined, failure }
    }
    const response = await options.fetch(url, {
      method,
      headers: { 'user-agent': 'mcp-auth-doctor', ...headers },
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body }),
    })
    // An endless stream is not read: that it began is all there is to know.
    const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream')
    if (isStream) void response.body?.cancel().catch(() => undefined)
    const text = isStream ? '' : await readCapped(response)
    // A body that the end of the run cut off would be taken for one that is no JSON.
    if (request.isAwaited !== true) options.signal.throwIfAborted()
    const { status } = response
    const answer = { status, headers: response.headers, text, json: parseJson(text) }
    return { url, sent, answer, failure: undefined }
  } catch (error) {
    const when = { isTimedOut: deadline.aborted, isRunOver: options.signal.aborted }
    const failure = classifyFailure(error, when)
    if (failure.code === RUN_OVER) options.onCutOff?.()
    return { url, sent, answer: undefined, failure }
  }
}

/** Creates a function that sends requests, each different one once. */
export function createProber(options: ProberOptions): Probe {
  const asked = new Map<string, Promise<Exchange>>()
  return (request) => {
    if (request.isFresh === true) return send(request, options)
    const { method, url, headers, body } = request
    const key = JSON.stringify([method ?? 'GET', url, headers ?? {}, body ?? ''])
    const known = asked.get(key)
    if (known !== undefined) return known
    const exchange = send(request, options)
    asked.set(key, exchange)
    return exchange
  }
}
