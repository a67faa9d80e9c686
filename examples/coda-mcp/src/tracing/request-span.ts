import type { IncomingMessage } from 'node:http'
import { context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { currentRequest } from '../request-context.js'
import { failSpan, startSpan, withSpan } from './in-span.js'

/** The span of one request. */
export interface RequestSpan {
  /** Runs what belongs to the request. */
  run(next: () => void): void
  end(status: number): void
}

/**
 * Starts the span of a request. It continues the trace that `traceparent` names, or the span that an
 * instrumentation of HTTP has opened before.
 */
export function startRequestSpan(request: IncomingMessage, endpoint: string): RequestSpan {
  const active = context.active()
  const isInstrumented = trace.getSpan(active) !== undefined
  const below = isInstrumented ? active : propagation.extract(active, request.headers)
  const method = request.method ?? 'GET'
  const requestId = currentRequest()?.requestId
  const span = startSpan(
    `${method} ${endpoint}`,
    {
      'http.request.method': method,
      'http.route': endpoint,
      ...(requestId === undefined ? {} : { 'coda_mcp.request_id': requestId }),
    },
    isInstrumented ? SpanKind.INTERNAL : SpanKind.SERVER,
    below,
  )
  return {
    run: (next) => withSpan(span, next),
    end: (status) => {
      span.setAttribute('http.response.status_code', status)
      if (status >= 500) failSpan(span, String(status))
      span.end()
    },
  }
}
