import { CodaError } from './coda/errors.js'
import type { ConnectRequest } from './connect-request.js'
import { memberOf } from './member-of.js'

/** What a tool call answers. */
export interface ToolResult {
  [member: string]: unknown
  content: { type: 'text'; text: string }[]
  structuredContent?: Record<string, unknown>
  isError?: boolean
  _meta?: Record<string, unknown>
}

/** A failed call, in words for the model and for the log. */
export interface ToolFailure {
  /** Stable name of what happened. */
  readonly code: string
  readonly result: ToolResult
  /** Whether it is the caller's, Coda's or the store's doing and no fault of this server. */
  readonly isExpected: boolean
  /** The page that would help, when the caller has no usable Coda token. */
  readonly connect: ConnectRequest | undefined
}

// The code goes into `_meta`: clients hold `structuredContent` against the output schema of the tool.
function failure(
  code: string,
  text: string,
  details: { retryable?: boolean; isExpected?: boolean; connect?: ConnectRequest | undefined } = {},
): ToolFailure {
  const { retryable = false, isExpected = true, connect } = details
  const result = {
    content: [{ type: 'text' as const, text: `${code}: ${text}` }],
    isError: true,
    _meta: { code, retryable },
  }
  return { code, result, isExpected, connect }
}

const missing = {
  code: 'credential_required',
  text: 'No Coda token is stored for this caller.',
  remedy: 'Ask the operator of this server to add one.',
}
const refused = {
  code: 'coda_unauthorized',
  text: 'Coda no longer takes the token that is stored for this caller.',
  remedy: 'Ask the operator of this server to replace it. Retrying will not help.',
}

/** A caller without a usable token is sent to the page that takes one, or to the operator. */
function unconnected({ code, text, remedy }: typeof missing, url: unknown): ToolFailure {
  if (typeof url !== 'string') return failure(code, `${text} ${remedy}`)
  const where = `Ask the person to open ${url} and connect Coda, then repeat the call.`
  const message = `${text} Sign in on this page and connect Coda, then repeat the request.`
  return failure(code, `${text} ${where}`, { connect: { url, message } })
}

/**
 * Turns an error into a result, so that the model reads what to do. Unknown errors tell nothing.
 *
 * @param connectUrl - page on which the caller can replace a token that Coda has just refused.
 */
export function describeFailure(error: unknown, connectUrl?: string): ToolFailure {
  if (error instanceof CodaError) {
    if (connectUrl !== undefined) return unconnected(refused, connectUrl)
    return failure(error.code, error.message, { retryable: error.retryable })
  }
  const code = memberOf(error, 'code')
  const url = memberOf(error, 'connectUrl')
  if (code === 'ERR_CREDENTIAL_REQUIRED') return unconnected(missing, url)
  if (code === 'ERR_CREDENTIAL_REFUSED') return unconnected(refused, url)
  if (code === 'ERR_STORE_UNAVAILABLE') {
    const text = 'The store that holds the Coda tokens does not answer at the moment.'
    return failure('store_unavailable', `${text} Try again in a minute.`, { retryable: true })
  }
  return failure('server_error', 'The server failed to run the tool. Its log says why.', {
    isExpected: false,
  })
}
