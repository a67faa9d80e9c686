import { STATUS_CODES } from 'node:http'

/** An answer with an error status, in Coda's shape. */
export class CodaReplyError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'CodaReplyError'
    this.status = status
  }
}

/** The error body that Coda documents. */
export function errorBody(status: number, message: string): Record<string, unknown> {
  return { statusCode: status, statusMessage: STATUS_CODES[status] ?? 'Error', message }
}

export function notFound(what: string): CodaReplyError {
  return new CodaReplyError(404, `Could not find ${what}.`)
}
