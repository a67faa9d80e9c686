import { randomBytes } from 'node:crypto'

/** One complaint of the server's request schema. */
export interface SchemaIssue {
  readonly code: string
  readonly path: readonly string[]
  readonly message: string
}

/** A refusal of the server, with the members of its error body. */
export class ApiError extends Error {
  readonly status: number
  readonly error: string
  readonly issues: readonly SchemaIssue[] | undefined
  readonly details: unknown

  constructor(
    status: number,
    error: string,
    message: string | readonly SchemaIssue[],
    details?: unknown,
  ) {
    super(typeof message === 'string' ? message : error)
    this.status = status
    this.error = error
    this.issues = typeof message === 'string' ? undefined : message
    this.details = details
  }
}

/** Formats the error body, which all endpoints share. */
export function formatApiError(error: ApiError): Record<string, unknown> {
  return {
    reqId: `req-${randomBytes(16).toString('hex').slice(0, 14)}`,
    statusCode: error.status,
    message: error.issues ?? error.message,
    error: error.error,
    ...(error.details !== undefined && { details: error.details }),
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

export function unauthorized(message: string): ApiError {
  return new ApiError(401, 'UnauthorizedError', message)
}

export function tokenError(message: string): ApiError {
  return new ApiError(403, 'TokenError', message)
}

export function denied(message: string): ApiError {
  return new ApiError(403, 'PermissionDenied', message, [])
}

export function notFound(message: string, error = 'NotFound'): ApiError {
  return new ApiError(404, error, message)
}

export function invalid(path: string, message: string, code = 'custom'): ApiError {
  return new ApiError(422, 'ValidationFailure', [{ code, path: [path], message }])
}
