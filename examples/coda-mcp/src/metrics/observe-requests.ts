import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { startRequestSpan } from '../tracing/request-span.js'
import { endpointOf } from './endpoint.js'
import type { Metrics } from './metrics.js'

/** Counts and times every request, and opens its span. Goes before all routes. */
export function observeRequests(metrics: Metrics): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const startedAt = performance.now()
    const { name: endpoint, oauth } = endpointOf(request.path)
    metrics.add('http_requests_in_flight', {}, 1)
    const span = startRequestSpan(request, endpoint)
    response.once('close', () => {
      const status = String(response.statusCode)
      metrics.add('http_requests_in_flight', {}, -1)
      metrics.count('http_requests_total', { endpoint, status })
      if (oauth) metrics.count('oauth_requests_total', { endpoint, status })
      const seconds = (performance.now() - startedAt) / 1000
      metrics.observe('http_request_duration_seconds', { endpoint }, seconds)
      span.end(response.statusCode)
    })
    span.run(next)
  }
}
