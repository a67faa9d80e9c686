import { SpanKind } from '@opentelemetry/api'
import { inSpan } from '../tracing/in-span.js'
import { codaOperationOf } from './coda-operation.js'
import type { Metrics } from './metrics.js'

/** Times every request to Coda, each attempt for itself. No header is added to it. */
export function observeCodaFetch(
  baseUrl: string,
  metrics: Metrics,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : input
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
    const operation = codaOperationOf(baseUrl, method, new URL(url))
    const startedAt = performance.now()
    let status = 'none'
    try {
      const attributes = { 'http.request.method': method, 'coda_mcp.operation': operation }
      return await inSpan(
        `coda ${operation}`,
        attributes,
        async (span) => {
          const response = await fetch(input, init)
          status = String(response.status)
          span.setAttribute('http.response.status_code', response.status)
          return response
        },
        SpanKind.CLIENT,
      )
    } finally {
      const seconds = (performance.now() - startedAt) / 1000
      metrics.observe('coda_request_duration_seconds', { operation, status }, seconds)
    }
  }
}
