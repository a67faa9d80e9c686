import type { ToolAudit } from './audit/tool-audit.js'
import type { Logger } from './logger.js'
import type { ToolCallEvent } from './mcp-server.js'
import type { Metrics } from './metrics/metrics.js'
import { currentRequest } from './request-context.js'
import { failSpan, inSpan } from './tracing/in-span.js'

/** Watches tool calls: metrics, span, log, audit trail. */
export interface ToolObserver {
  /** Runs a call in its span. */
  around<Result extends object>(tool: string, run: () => Promise<Result>): Promise<Result>
  /** Told when it has finished. */
  finished(call: ToolCallEvent): void
}

/** Options for {@link createToolObserver}. */
export interface ToolObserverOptions {
  readonly logger: Logger
  readonly metrics: Metrics
  /** Without one, who called what is in the log, at info. */
  readonly audit?: ToolAudit | undefined
}

function failureOf(result: object): string | undefined {
  if (Reflect.get(result, 'isError') !== true) return undefined
  const meta: unknown = Reflect.get(result, '_meta')
  const code: unknown = typeof meta === 'object' && meta !== null ? Reflect.get(meta, 'code') : ''
  return typeof code === 'string' ? code : 'failed'
}

/** Creates the observer. Arguments and results of tools do not reach it. */
export function createToolObserver(options: ToolObserverOptions): ToolObserver {
  const { logger, metrics, audit } = options

  function log(call: ToolCallEvent, requestId: string | undefined): void {
    const { error, ...said } = call
    const caller = currentRequest()?.caller()
    const line = {
      requestId,
      ...said,
      ...(caller && { issuer: caller.issuer, subject: caller.subject, clientId: caller.clientId }),
    }
    if (error !== undefined) logger.error({ ...line, err: error }, 'tool failed')
    else if (audit === undefined) logger.info(line, 'tool called')
    else logger.debug(line, 'tool called')
  }

  return {
    around: async (tool, run) =>
      await inSpan(`tools/call ${tool}`, { 'coda_mcp.tool': tool }, async (span) => {
        const result = await run()
        const failure = failureOf(result)
        if (failure !== undefined) failSpan(span, failure)
        return result
      }),
    finished: (call) => {
      const { tool, outcome, durationMs } = call
      const request = currentRequest()
      const caller = request?.caller()
      const seconds = durationMs / 1000
      const result = outcome === 'ok' ? 'ok' : 'failed'
      metrics.count('mcp_tool_calls_total', { tool, outcome })
      metrics.observe('mcp_tool_call_duration_seconds', { tool, outcome: result }, seconds)
      log(call, request?.requestId)
      audit?.add({ tool, outcome, durationMs, requestId: request?.requestId, caller })
    },
  }
}
