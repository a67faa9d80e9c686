import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import type { CodaClient } from './coda/coda-client.js'
import { CodaError } from './coda/errors.js'
import { codaTools } from './tools/index.js'
import type { CodaTool } from './tools/tool.js'

/**
 * Finds the Coda token of the caller, whom `ctx.http.authInfo` names. May reject with an error whose
 * `code` is `ERR_CREDENTIAL_REQUIRED` (and a `connectUrl`) or `ERR_STORE_UNAVAILABLE`.
 */
export type CredentialFor = (ctx: ServerContext) => string | Promise<string>

/** Told when Coda no longer takes the token of the caller. */
export type TokenRefused = (ctx: ServerContext, token: string) => Promise<void>

/** One finished tool call, for logs. */
interface ToolCallEvent {
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
  /** Ends waits when the server shuts down. Default: never aborted. */
  readonly shuttingDown?: AbortSignal | undefined
  readonly onToolCall?: ((event: ToolCallEvent) => void) | undefined
}

interface ToolResult {
  [member: string]: unknown
  content: { type: 'text'; text: string }[]
  structuredContent?: Record<string, unknown>
  isError?: boolean
  _meta?: Record<string, unknown>
}

/** Tools that a server offers. */
function offeredTools(readOnly: boolean): readonly CodaTool[] {
  return readOnly ? codaTools.filter(({ annotations }) => annotations.readOnlyHint) : codaTools
}

// The code goes into `_meta`: clients hold `structuredContent` against the output schema of the tool.
function failure(code: string, retryable: boolean, text: string): ToolResult {
  return {
    content: [{ type: 'text', text: `${code}: ${text}` }],
    isError: true,
    _meta: { code, retryable },
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** Turns an error into a result, so that the model reads what to do. Unknown errors tell nothing. */
function describeError(error: unknown): ToolResult {
  if (error instanceof CodaError) return failure(error.code, error.retryable, error.message)
  const code = memberOf(error, 'code')
  if (code === 'ERR_CREDENTIAL_REQUIRED') {
    const url = memberOf(error, 'connectUrl')
    const where =
      typeof url === 'string'
        ? `Ask the person to open ${url} and connect Coda, then repeat the call.`
        : 'Ask the operator of this server to add one.'
    return failure(
      'credential_required',
      false,
      `No Coda token is stored for this caller. ${where}`,
    )
  }
  if (code === 'ERR_STORE_UNAVAILABLE') {
    const text = 'The store that holds the Coda tokens does not answer at the moment.'
    return failure('store_unavailable', true, `${text} Try again in a minute.`)
  }
  return failure('server_error', false, 'The server failed to run the tool. Its log says why.')
}

function isExpected(error: unknown): boolean {
  const code = memberOf(error, 'code')
  return (
    error instanceof CodaError ||
    code === 'ERR_CREDENTIAL_REQUIRED' ||
    code === 'ERR_STORE_UNAVAILABLE'
  )
}

async function callTool(
  tool: CodaTool,
  input: unknown,
  ctx: ServerContext,
  options: CodaMcpServerOptions,
): Promise<ToolResult> {
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
    const { structured, text } = await tool.run({ input, coda, call, shuttingDown })
    report('ok')
    return { content: [{ type: 'text', text }], structuredContent: structured }
  } catch (error) {
    const result = describeError(error)
    report(String(result._meta?.code), isExpected(error) ? undefined : error)
    if (token !== undefined && error instanceof CodaError && error.code === 'coda_unauthorized') {
      await onTokenRefused?.(ctx, token)
    }
    return result
  }
}

/**
 * Creates an MCP server with the Coda tools. One server serves one request or one connection.
 *
 * It checks neither who calls nor the scopes of the call: that is done before a request gets here.
 * A failing tool answers with `isError` and a text that says what to do, never with a protocol error.
 */
export function createCodaMcpServer(options: CodaMcpServerOptions): McpServer {
  const server = new McpServer({
    name: 'coda-mcp',
    title: 'Coda',
    version: options.version,
  })
  for (const tool of offeredTools(options.readOnly ?? false)) {
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
      async (input, ctx) => await callTool(tool, input, ctx, options),
    )
  }
  return server
}
