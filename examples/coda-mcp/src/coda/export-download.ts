import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { isDownloadLink } from './base-url.js'
import {
  CodaError,
  CodaResponseError,
  CodaTimeoutError,
  connectionError,
  statusError,
} from './errors.js'
import { withRetries } from './retry.js'
import { type CodaCall, type CodaTransportOptions, readBody } from './transport.js'

const operation = 'downloading the exported page'

/** What a download link gave. A stale link has run out: the status of the export has a fresh one. */
export type ExportDownload =
  | { readonly kind: 'content'; readonly content: string }
  | { readonly kind: 'stale' }

// The storage behind the links reports errors as XML, also with status 200.
function isStorageError(text: string): boolean {
  return /^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(text)
}

async function unpack(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  // The storage may leave out the Content-Encoding of what it keeps compressed.
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    const tooLarge = error instanceof RangeError
    const problem = tooLarge ? `more than ${maxBytes} bytes` : 'damaged gzip data'
    throw new CodaResponseError(operation, problem, 200, error)
  }
}

async function readDownload(response: Response, maxBytes: number): Promise<ExportDownload> {
  const { status } = response
  const body = await readBody(response, operation, maxBytes)
  if (status >= 300 && status < 400) throw new CodaResponseError(operation, 'a redirect', status)
  // 401 too says nothing of the caller's token, which was not sent.
  if ([401, 403, 404, 410].includes(status)) return { kind: 'stale' }
  if (status >= 400) {
    throw statusError({
      operation,
      status,
      write: false,
      outsideText: undefined,
      retryAfterMs: undefined,
    })
  }
  const content = new TextDecoder().decode(await unpack(body, maxBytes))
  return isStorageError(content) ? { kind: 'stale' } : { kind: 'content', content }
}

/**
 * Downloads an exported page. The link comes from outside and leads to another host: it must be https
 * (http on loopback only where Coda's API itself is there), it is asked without the caller's token,
 * and redirects are refused. Repeated after 429, 5xx and network failures inside the deadline.
 *
 * @throws {@link CodaError}; the abort reason when `call.signal` ends the call.
 */
export async function downloadExport(
  options: CodaTransportOptions,
  link: string,
  call: Pick<CodaCall, 'signal' | 'deadlineMs'>,
): Promise<ExportDownload> {
  const { clock, random, maxResponseBytes } = options
  const { signal } = call
  if (!isDownloadLink(link, options.baseUrl)) {
    throw new CodaResponseError(operation, 'a link that is not an https address', 200)
  }
  const deadlineMs = call.deadlineMs ?? options.deadlineMs
  const deadlineAt = clock.now() + deadlineMs

  const attempt = async (): Promise<ExportDownload> => {
    signal?.throwIfAborted()
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineAt - clock.now())))
    try {
      const response = await options.fetch(link, {
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      })
      return await readDownload(response, maxResponseBytes)
    } catch (error) {
      if (error instanceof CodaError) throw error
      signal?.throwIfAborted()
      if (timeout.aborted) throw new CodaTimeoutError(operation, deadlineMs, false, error)
      throw connectionError(operation, false, error)
    }
  }

  const mayRetry = ({ code }: CodaError): boolean =>
    code === 'coda_rate_limited' || code === 'coda_unavailable'
  return await withRetries({ clock, random, deadlineAt, signal, mayRetry }, attempt)
}
