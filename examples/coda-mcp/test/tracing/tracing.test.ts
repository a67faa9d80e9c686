import { readFileSync } from 'node:fs'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import {
  propagation,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callTool, post } from '../support/http-calls.js'
import { type RunningStandIn, startStandIn } from '../support/stand-in.js'
import { createCleanup, startTestServer, type TestServer } from '../support/test-server.js'

/** Trace context of the W3C, as far as a test needs it: the SDK for Node has the whole. */
const traceContext: TextMapPropagator = {
  fields: () => ['traceparent'],
  inject: (context, carrier, setter) => {
    const span = trace.getSpanContext(context)
    if (span === undefined) return
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`)
  },
  extract: (context, carrier, getter) => {
    const header = String(getter.get(carrier, 'traceparent'))
    const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(header) ?? []
    if (traceId === undefined || spanId === undefined) return context
    return trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true })
  },
}

const { add, run } = createCleanup()
const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
let coda: RunningStandIn
let server: TestServer
let bearer: Awaited<ReturnType<typeof generateBearerToken>>

beforeAll(async () => {
  bearer = await generateBearerToken()
  coda = add(await startStandIn())
  server = add(
    await startTestServer({
      MCP_BEARER_TOKENS: `canary-name:${bearer.digest}`,
      CODA_API_TOKEN: 'canary-coda-token',
      CODA_API_BASE_URL: coda.baseUrl,
    }),
  )
})
afterAll(run)

beforeEach(() => {
  trace.setGlobalTracerProvider(provider)
  propagation.setGlobalPropagator(traceContext)
})
afterEach(() => {
  trace.disable()
  propagation.disable()
  exporter.reset()
})

/** Spans by name, as soon as the request has ended. */
async function finished(): Promise<ReadonlyMap<string, ReadableSpan>> {
  await expect
    .poll(() => exporter.getFinishedSpans().some(({ name }) => name === 'POST mcp'))
    .toBe(true)
  return new Map(exporter.getFinishedSpans().map((span) => [span.name, span]))
}

/** What METRICS.md says of the spans of a call that succeeds. */
function tableOfSpans(): Record<string, { kind: string; attributes: readonly string[] }> {
  const page = readFileSync(new URL('../../METRICS.md', import.meta.url), 'utf8')
  const section = page.slice(page.indexOf('\n## Traces\n'), page.indexOf('\n## Alerts\n'))
  const rows = section.matchAll(/^\| `([^`]+)` \| (\w+) \|[^|]*\|([^|]*)\|$/gm)
  return Object.fromEntries(
    [...rows].map(([, name = '', kind = '', cell = '']) => {
      const attributes = [...cell.matchAll(/`([\w.]+)`( of a failure)?/g)]
      const present = attributes.filter(([, , onFailure]) => onFailure === undefined)
      return [name, { kind, attributes: present.map(([, attribute = '']) => attribute).sort() }]
    }),
  )
}

const callWhoami = async (): Promise<void> => {
  const response = await callTool(server.resource, bearer.token, 'coda_whoami')
  expect([response.status, (await response.text()).includes('isError')]).toEqual([200, false])
}

describe('traces', () => {
  it('have a span for the request, the token, the store, the tool and Coda, one below the other', async () => {
    await callWhoami()
    const spans = await finished()
    const request = spans.get('POST mcp')
    const tool = spans.get('tools/call coda_whoami')
    const upstream = spans.get('coda GET /whoami')
    const below = (name: string) => spans.get(name)?.parentSpanContext?.spanId
    expect(request?.parentSpanContext).toBeUndefined()
    expect(below('token.validate')).toBe(request?.spanContext().spanId)
    expect(below('tools/call coda_whoami')).toBe(request?.spanContext().spanId)
    expect(below('coda GET /whoami')).toBe(tool?.spanContext().spanId)
    // The guard reads the credential, so that an outage is a 503; the tool gets it from there or again.
    const reads = exporter.getFinishedSpans().filter(({ name }) => name === 'token_store.get')
    expect(reads[0]?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect([request?.kind, upstream?.kind]).toEqual([SpanKind.SERVER, SpanKind.CLIENT])
    expect(request?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': 'mcp',
      'http.response.status_code': 200,
      'coda_mcp.request_id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(upstream?.attributes['http.response.status_code']).toBe(200)
    expect(tableOfSpans()).toEqual(
      Object.fromEntries(
        [...spans].map(([name, { kind, attributes }]) => [
          name,
          { kind: SpanKind[kind].toLowerCase(), attributes: Object.keys(attributes).sort() },
        ]),
      ),
    )
    expect(new Set([...spans.values()].map((span) => span.spanContext().traceId)).size).toBe(1)
  })

  it('go on with the trace of the caller', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const headers = { traceparent }
    await post(server.resource, 'tools/list', { token: bearer.token, headers })
    const request = (await finished()).get('POST mcp')
    expect(request?.spanContext().traceId).toBe('a'.repeat(32))
    expect(request?.parentSpanContext?.spanId).toBe('b'.repeat(16))
  })

  it('are not sent to Coda', async () => {
    const seen: Headers[] = []
    const real = globalThis.fetch
    const { observeCodaFetch } = await import('../../src/metrics/observe-coda.js')
    const { createMetrics } = await import('../../src/metrics/metrics.js')
    const observed = observeCodaFetch(coda.baseUrl, createMetrics(), async (input, init) => {
      seen.push(new Headers(init?.headers))
      return await real(input, init)
    })
    await observed(`${coda.baseUrl}/whoami`, { headers: { authorization: 'Bearer x' } })
    expect(seen.map((headers) => [...headers.keys()])).toEqual([['authorization']])
  })

  it('name what failed by its code, and never a caller, a token, an argument or a text', async () => {
    coda.faults.next({ kind: 'status', status: 404, message: 'canary-message' })
    const input = { docId: 'canary-doc' }
    const response = await callTool(server.resource, bearer.token, 'coda_get_document', input)
    expect(await response.text()).toContain('coda_not_found')
    const tool = (await finished()).get('tools/call coda_get_document')
    expect(tool?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(tool?.attributes['error.type']).toBe('coda_not_found')
    const everything = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    expect(JSON.stringify(everything)).not.toMatch(/canary/)
    expect(JSON.stringify(everything)).not.toContain(bearer.token)
  })

  it('are none without an SDK', async () => {
    trace.disable()
    await callWhoami()
    expect(exporter.getFinishedSpans()).toEqual([])
  })
})
