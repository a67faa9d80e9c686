import type * as z from 'zod'
import type { CodaClient } from '../coda/coda-client.js'
import type { CodaCall } from '../coda/transport.js'
import type { CodaOperation } from './operations.js'
import type { CodaScope } from './scopes.js'

/** What a tool may use while it runs. */
export interface ToolContext<Input> {
  readonly input: Input
  readonly coda: CodaClient
  /** The caller's Coda credential and the signal that ends the call; passed to every client method. */
  readonly call: CodaCall
  /** Aborted when the server is shutting down: waits end at once with what is known. */
  readonly shuttingDown: AbortSignal
  /** Tells a client that asked for it that the call is still under way. Never rejects. */
  readonly reportProgress: (message: string) => Promise<void>
}

/** Result of a tool: data in the shape of its output schema, and the same in words. */
export interface ToolOutput<Output> {
  readonly structured: Output
  readonly text: string
}

/** Behaviour of a tool, as clients and the scope rule read it. */
export interface ToolBehaviour {
  /** Changes nothing. Decides the scope of a tool that names none. */
  readonly readOnlyHint: boolean
  /** May delete or overwrite. */
  readonly destructiveHint: boolean
  /** Repeating the same call has no further effect. */
  readonly idempotentHint: boolean
}

/** Hints of every tool that only reads. */
export const reads: ToolBehaviour = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
}

/** A tool as its file defines it. */
export interface ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: `coda_${string}`
  readonly title: string
  readonly description: string
  readonly inputSchema: Input
  readonly outputSchema: Output
  readonly annotations: ToolBehaviour
  /** Operations of the Coda API that the tool is made of; asking for the status for `wait` apart. */
  readonly operations: readonly CodaOperation[]
  /** Scope that the tool needs. Default `coda.read` when it only reads, otherwise `coda.write`. */
  readonly scope?: CodaScope | undefined
  run(context: ToolContext<z.output<Input>>): Promise<ToolOutput<z.output<Output>>>
}

/** A tool of this server, whatever its input is. */
export interface CodaTool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: z.ZodObject
  readonly outputSchema: z.ZodObject
  readonly annotations: ToolBehaviour
  readonly operations: readonly CodaOperation[]
  readonly scope?: CodaScope | undefined
  /** Checks the input against the schema, then runs the tool. */
  run(context: ToolContext<unknown>): Promise<ToolOutput<Record<string, unknown>>>
}

/** Turns a definition into a {@link CodaTool}. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): CodaTool {
  return {
    ...definition,
    run: async (context) => {
      const input = definition.inputSchema.parse(context.input)
      return await definition.run({ ...context, input })
    },
  }
}
