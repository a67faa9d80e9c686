import { randomUUID } from 'node:crypto'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { type Logger, redactHeaders } from './logger.js'

/** Who called, for the log. */
export interface Caller {
  readonly issuer: string
  readonly subject: string
}

/**
 * Gives each request an id, which the answer carries as `X-Request-Id`, and logs it when it ends: one
 * info line for an authenticated call, a debug line otherwise. Paths are logged without their query.
 */
export function logRequests(
  logger: Logger,
  callerOf: (request: Request) => Caller | undefined,
): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const requestId = randomUUID()
    const startedAt = performance.now()
    const { method, path } = request
    response.locals.requestId = requestId
    response.setHeader('x-request-id', requestId)
    if (logger.isLevelEnabled('debug')) {
      logger.debug({ requestId, method, path, headers: redactHeaders(request.headers) }, 'received')
    }
    response.once('close', () => {
      const line = {
        requestId,
        method,
        path,
        status: response.statusCode,
        durationMs: Math.round(performance.now() - startedAt),
        complete: response.writableFinished,
      }
      const caller = callerOf(request)
      if (caller === undefined) logger.debug(line, 'answered')
      else logger.info({ ...line, issuer: caller.issuer, subject: caller.subject }, 'answered')
    })
    next()
  }
}
