/** Stable code of a {@link CodaError}; tools and tests branch on it. */
export type CodaErrorCode =
  | 'coda_invalid_input'
  | 'coda_unauthorized'
  | 'coda_forbidden'
  | 'coda_not_found'
  | 'coda_gone'
  | 'coda_request_refused'
  | 'coda_rate_limited'
  | 'coda_unavailable'
  | 'coda_timeout'
  | 'coda_unexpected_answer'

const outsideTextLength = 300

/** Quotes text from outside so that it can neither forge lines nor flood a message. */
function quoteOutsideText(text: string): string {
  const shown = text.length > outsideTextLength ? `${text.slice(0, outsideTextLength)}…` : text
  return JSON.stringify(shown)
}

/**
 * A call to Coda that did not give a usable answer. The message is written for the model that called
 * the tool: what failed, whether it may be retried, and what to change. It never contains the token.
 */
export class CodaError extends Error {
  readonly code: CodaErrorCode
  /** Whether the same call may be sent again without changing anything. */
  readonly retryable: boolean
  /** HTTP status of Coda's answer, when there was one. */
  readonly status: number | undefined
  /** What `Retry-After` asked for, in milliseconds. Coda does not document this header. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: CodaErrorCode,
    message: string,
    details: {
      readonly retryable: boolean
      readonly status?: number | undefined
      readonly retryAfterMs?: number | undefined
      readonly cause?: unknown
    },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.retryable = details.retryable
    this.status = details.status
    this.retryAfterMs = details.retryAfterMs
  }
}

/** The call was refused before anything was sent, because an input cannot be right. */
export class CodaInputError extends CodaError {
  constructor(message: string) {
    super('coda_invalid_input', message, { retryable: false })
  }
}

/** Coda answered, but not with what its API description promises. */
export class CodaResponseError extends CodaError {
  constructor(operation: string, problem: string, status: number, cause?: unknown) {
    super(
      'coda_unexpected_answer',
      `Coda answered ${operation} with ${problem}. Retrying will not help.`,
      {
        retryable: false,
        status,
        cause,
      },
    )
  }
}

/** The call did not finish within its deadline, all retries included. */
export class CodaTimeoutError extends CodaError {
  constructor(operation: string, deadlineMs: number, write: boolean, cause?: unknown) {
    const consequence = write
      ? 'It is not known whether Coda accepted the change: read the data before you repeat it.'
      : 'It may be retried; a smaller limit or a narrower query helps on large tables.'
    super(
      'coda_timeout',
      `Coda did not answer ${operation} within ${deadlineMs / 1000} seconds. ${consequence}`,
      { retryable: !write, cause },
    )
  }
}

/** The network failed before an answer arrived. */
export function connectionError(operation: string, write: boolean, cause: unknown): CodaError {
  const consequence = write
    ? 'It is not known whether Coda accepted the change: read the data before you repeat it.'
    : 'It may be retried in a moment.'
  return new CodaError(
    'coda_unavailable',
    `Coda could not be reached for ${operation}. ${consequence}`,
    { retryable: !write, cause },
  )
}

function advice(status: number): { code: CodaErrorCode; retryable: boolean; text: string } {
  if (status === 401) {
    return {
      code: 'coda_unauthorized',
      retryable: false,
      text: 'The Coda API token stored for this caller is invalid or was revoked; a person has to replace it. Retrying will not help.',
    }
  }
  if (status === 403) {
    return {
      code: 'coda_forbidden',
      retryable: false,
      text: 'The Coda account or its API token may not do this. Use another doc, or ask its owner for access. Retrying will not help.',
    }
  }
  if (status === 404) {
    return {
      code: 'coda_not_found',
      retryable: false,
      text: 'Nothing with this id or name exists, or the account cannot see it. List the parent to get a valid id; what was created seconds ago may not be visible yet.',
    }
  }
  if (status === 410) {
    return { code: 'coda_gone', retryable: false, text: 'It was deleted. Retrying will not help.' }
  }
  if (status === 429) {
    return {
      code: 'coda_rate_limited',
      retryable: true,
      text: 'The rate limit of this Coda user was reached; it is shared by all of the user’s tools and docs. Wait some seconds before the next call, and prefer one call with many rows.',
    }
  }
  if (status >= 500) {
    return {
      code: 'coda_unavailable',
      retryable: true,
      text: 'Coda has a problem, or the request was too heavy for it. It may be retried later; a smaller limit or a narrower query helps on large tables.',
    }
  }
  return {
    code: 'coda_request_refused',
    retryable: false,
    text: 'Change the input as Coda’s message says. Retrying the same call will not help.',
  }
}

/** Describes an answer with an error status. `outsideText` is Coda's own message, without the token. */
export function statusError(details: {
  readonly operation: string
  readonly status: number
  readonly write: boolean
  readonly outsideText: string | undefined
  readonly retryAfterMs: number | undefined
}): CodaError {
  const { operation, status, write, outsideText, retryAfterMs } = details
  const { code, retryable, text } = advice(status)
  const said = outsideText === undefined ? '' : ` Coda’s message: ${quoteOutsideText(outsideText)}.`
  const unknownOutcome = write && status >= 500
  const consequence = unknownOutcome
    ? 'It is not known whether Coda accepted the change: read the data before you repeat it.'
    : text
  return new CodaError(code, `${operation} failed with status ${status}.${said} ${consequence}`, {
    retryable: retryable && !unknownOutcome,
    status,
    retryAfterMs,
  })
}
