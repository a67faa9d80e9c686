import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { isIPv4, type LookupFunction } from 'node:net'
import { FetchFailure } from './fetch-failure.js'
import { type ResolveHost, resolveAllowed } from './resolve-host.js'

/** How {@link guardedRequest} reaches the outside. */
export interface RequestGuard {
  readonly resolve: ResolveHost
  readonly isAllowed: (address: string) => boolean
  /** Certificate authorities in PEM, in place of those of Node.js. */
  readonly ca: string | undefined
  /** For name, connection, TLS, headers and body together. */
  readonly deadlineMilliseconds: number
  /** Of the body, in bytes. */
  readonly limit: number
}

/** An answer, read to its end. */
export interface GuardedResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array<ArrayBuffer>
}

const MAX_HEADER_BYTES = 16 * 1024
const USER_AGENT = 'mcp-authorization-server'
const TLS_CODE = /^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_)/

/** Gives the connection the addresses that were checked, so that no second DNS answer can replace them. */
function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }))
  return (_hostname, options, callback) => {
    const [first = { address: '', family: 0 }] = entries
    if (options.all === true) callback(null, entries)
    else callback(null, first.address, first.family)
  }
}

function describeFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
  const isTls = typeof code === 'string' && TLS_CODE.test(code)
  const reason = isTls ? 'certificate_not_trusted' : 'connection_failed'
  return new FetchFailure('unavailable', reason, { cause: error })
}

async function readBody(
  response: IncomingMessage,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(response.headers['content-length'] ?? 0) > limit) {
    throw new FetchFailure('invalid', 'too_large')
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.byteLength
    if (size > limit) throw new FetchFailure('invalid', 'too_large')
    chunks.push(chunk)
  }
  return Uint8Array.from(Buffer.concat(chunks))
}

function send(
  url: URL,
  addresses: readonly string[],
  guard: RequestGuard,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: 'GET',
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': USER_AGENT,
      },
      // Its own agent: the global one keeps connections, and may go through a proxy of the environment,
      // which would resolve the name by itself.
      agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }),
      lookup: pinnedLookup(addresses),
      ...(guard.ca === undefined ? {} : { ca: guard.ca }),
      // Also where NODE_TLS_REJECT_UNAUTHORIZED turns the check off.
      rejectUnauthorized: true,
      insecureHTTPParser: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    })
    outgoing.once('response', (response) => {
      // Without a reader, an abort would be an uncaught error.
      response.on('error', () => undefined)
      resolve(response)
    })
    outgoing.on('error', reject)
    // A protocol switch ends the request without either.
    outgoing.once('close', () => reject(new FetchFailure('unavailable', 'connection_failed')))
    outgoing.end()
  })
}

/** Rejects as soon as `signal` is aborted, with its reason. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/**
 * Gets an https URL that somebody else chose. Connects only to addresses that `guard` allows, follows
 * no redirect, uses no proxy, sends nothing but a fixed set of headers, and reads at most `limit` bytes.
 *
 * @throws FetchFailure in every case without a whole answer.
 */
export async function guardedRequest(
  url: URL,
  guard: RequestGuard,
  signal: AbortSignal,
): Promise<GuardedResponse> {
  const controller = new AbortController()
  const abort = (failure: FetchFailure) => controller.abort(failure)
  const onClose = () => abort(new FetchFailure('unavailable', 'closed'))
  const timer = setTimeout(
    () => abort(new FetchFailure('unavailable', 'timeout')),
    guard.deadlineMilliseconds,
  )
  if (signal.aborted) onClose()
  else signal.addEventListener('abort', onClose, { once: true })

  async function exchange(): Promise<GuardedResponse> {
    const addresses = await resolveAllowed(url.hostname, guard.resolve, guard.isAllowed)
    // Nobody waits any more, so no connection is opened either.
    controller.signal.throwIfAborted()
    const response = await send(url, addresses, guard, controller.signal)
    const { statusCode: status = 0, headers } = response
    // What is not read further is not received either.
    if (status !== 200) return { status, headers, body: new Uint8Array() }
    return { status, headers, body: await readBody(response, guard.limit) }
  }

  try {
    const result = exchange()
    result.catch(() => undefined)
    return await Promise.race([result, aborted(controller.signal)])
  } catch (error) {
    throw describeFailure(error)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onClose)
    // Ends the connection in every case, also one that still sends.
    controller.abort()
  }
}
