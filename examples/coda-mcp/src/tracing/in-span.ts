import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

/** Name of this server's tracer. */
const tracerName = 'coda-mcp'
/** Carries the parent where the SDK that is loaded has no context manager. */
const parents = new AsyncLocalStorage<Context>()

function parent(): Context {
  const active = context.active()
  return trace.getSpan(active) === undefined ? (parents.getStore() ?? active) : active
}

/** Runs something below a span. */
export function withSpan<Value>(span: Span, run: () => Value): Value {
  const inside = trace.setSpan(parent(), span)
  return parents.run(inside, () => context.with(inside, run))
}

/** Starts a span below the current one; without an OpenTelemetry SDK it does nothing. */
export function startSpan(
  name: string,
  attributes: Attributes,
  kind: SpanKind = SpanKind.INTERNAL,
  below: Context = parent(),
): Span {
  return trace.getTracer(tracerName).startSpan(name, { attributes, kind }, below)
}

/** Word for what went wrong: a code or a class name. A message may quote what came from outside. */
function errorTypeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown'
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'unknown'
}

/** Marks a span as failed. */
export function failSpan(span: Span, errorType: string): void {
  span.setAttribute('error.type', errorType)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Runs something in a span, which ends with it. */
export async function inSpan<Value>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => Promise<Value>,
  kind?: SpanKind,
): Promise<Value> {
  const span = startSpan(name, attributes, kind)
  try {
    return await withSpan(span, () => run(span))
  } catch (error) {
    failSpan(span, errorTypeOf(error))
    throw error
  } finally {
    span.end()
  }
}
