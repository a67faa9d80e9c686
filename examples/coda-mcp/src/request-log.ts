import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { networkOf } from './limits/network-of.js'
import { type Logger, redactHeaders } from './logger.js'
import { requestIdOf, runInRequest } from './request-context.js'

/** Who called, for the log. */
export interface Caller {
  readonly issuer: string
  readonly subject: string
  readonly clientId?: string | undefined
}

/** Longest path that is logged. */
const pathLength = 256

/**
 * Gives each request an id, which the answer carries as `X-Request-Id`, and logs it when it ends: one
 * info line for an authenticated call, a debug line otherwise. Paths are logged without their query.
 * What runs for the request finds the id in its context.
 */
export function logRequests(
  logger: Logger,
  callerOf: (request: Request) => Caller | undefined,
): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const requestId = requestIdOf(request.headers['x-request-id'])
    const startedAt = performance.now()
    const { method } = request
    const path = request.path.slice(0, pathLength)
    // The guard reports under the id that the header has.
    request.headers['x-request-id'] = requestId
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
    const network = networkOf(request.ip)
    const caller = () => callerOf(request)
    const onEnd = (run: () => void): void => void response.once('close', run)
    runInRequest({ requestId, network, caller, onEnd }, next)
  }
}
