import {
  type InputRequiredResult,
  McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { CodaClient } from './coda/coda-client.js'
import { CodaError } from './coda/errors.js'
import { askToConnect } from './connect-request.js'
import { createProgressReport } from './progress-report.js'
import { describeFailure, type ToolResult } from './tool-failure.js'
import { codaTools } from './tools/index.js'
import type { CodaTool } from './tools/tool.js'

/**
 * Finds the Coda token of the caller, whom `ctx.http.authInfo` names. May reject with an error whose
 * `code` is `ERR_CREDENTIAL_REQUIRED` or `ERR_CREDENTIAL_REFUSED` (both perhaps with a `connectUrl`) or
 * `ERR_STORE_UNAVAILABLE`.
 */
export type CredentialFor = (ctx: ServerContext) => string | Promise<string>

/**
 * Told when Coda no longer takes the token of the caller. Resolves with the page on which the caller can
 * replace it, if there is one.
 */
export type TokenRefused = (ctx: ServerContext, token: string) => Promise<string | undefined>

/** One finished tool call, for logs. */
export interface ToolCallEvent {
  readonly tool: string
  /** `ok`, or the code of the failure. */
  readonly outcome: string
  readonly durationMs: number
  /** Set for failures that are not the caller's or Coda's doing. */
  readonly error?: unknown
}

/** Options for {@link createCodaMcpServer}. */
export interface CodaMcpServerOptions {
  readonly coda: CodaClient
  readonly credentialFor: CredentialFor
  readonly onTokenRefused?: TokenRefused | undefined
  readonly version: string
  /** Leaves out every tool that changes something. Default `false`. */
  readonly readOnly?: boolean | undefined
  /** Name of the one tool that is going to be called, so that no other is made. Default: all are made. */
  readonly tool?: string | undefined
  /** Ends waits when the server shuts down. Default: never aborted. */
  readonly shuttingDown?: AbortSignal | undefined
  readonly onToolCall?: ((event: ToolCallEvent) => void) | undefined
  /** Goes around each call, for traces. Has to answer what the call answers. */
  readonly aroundToolCall?:
    | (<Result extends object>(tool: string, run: () => Promise<Result>) => Promise<Result>)
    | undefined
}

/** Tools that a server offers. */
function offeredTools(readOnly: boolean): readonly CodaTool[] {
  return readOnly ? codaTools.filter(({ annotations }) => annotations.readOnlyHint) : codaTools
}

/** All of them for a name that none has, which is then refused as it is among all of them. */
function neededTools({ readOnly = false, tool }: CodaMcpServerOptions): readonly CodaTool[] {
  const offered = offeredTools(readOnly)
  const needed = offered.filter(({ name }) => name === tool)
  return needed.length > 0 ? needed : offered
}

async function callTool(
  tool: CodaTool,
  input: unknown,
  ctx: ServerContext,
  options: CodaMcpServerOptions,
): Promise<ToolResult | InputRequiredResult> {
  const { coda, credentialFor, onTokenRefused, onToolCall } = options
  const shuttingDown = options.shuttingDown ?? new AbortController().signal
  const startedAt = performance.now()
  const report = (outcome: string, error?: unknown): void =>
    onToolCall?.({
      tool: tool.name,
      outcome,
      durationMs: Math.round(performance.now() - startedAt),
      ...(error === undefined ? {} : { error }),
    })

  let token: string | undefined
  try {
    token = await credentialFor(ctx)
    const call = { token, signal: ctx.mcpReq.signal }
    const { structured, text } = await tool.run({
      ...{ input, coda, call, shuttingDown },
      reportProgress: createProgressReport(ctx),
    })
    report('ok')
    return { content: [{ type: 'text', text }], structuredContent: structured }
  } catch (error) {
    const isRefused = error instanceof CodaError && error.code === 'coda_unauthorized'
    const connectUrl =
      isRefused && token !== undefined ? await onTokenRefused?.(ctx, token) : undefined
    const { code, result, isExpected, connect } = describeFailure(error, connectUrl)
    report(code, isExpected ? undefined : error)
    return (connect && askToConnect(ctx, connect)) ?? result
  }
}

/**
 * Creates an MCP server with the Coda tools. One server serves one request or one connection.
 *
 * It checks neither who calls nor the scopes of the call: that is done before a request gets here.
 * A failing tool answers with `isError` and a text that says what to do. The one protocol error is
 * `-32042`, with the page to open, for clients that open it.
 */
export function createCodaMcpServer(options: CodaMcpServerOptions): McpServer {
  const server = new McpServer({
    name: 'coda-mcp',
    title: 'Coda',
    version: options.version,
  })
  for (const tool of neededTools(options)) {
    const { name, title, description, inputSchema, outputSchema, annotations } = tool
    server.registerTool(
      name,
      {
        title,
        description,
        inputSchema,
        outputSchema,
        annotations: { ...annotations, openWorldHint: true },
      },
      async (input, ctx) => {
        const run = () => callTool(tool, input, ctx, options)
        return await (options.aroundToolCall?.(name, run) ?? run())
      },
    )
  }
  return server
}
