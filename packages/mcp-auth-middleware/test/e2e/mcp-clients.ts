import {
  Client as ClientV2,
  type OAuthClientProvider as ProviderV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import {
  type OAuthClientProvider as ProviderV1,
  UnauthorizedError as UnauthorizedV1,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { SeenCaller } from './mcp-servers.js'
import type { MemoryProvider } from './memory-provider.js'

/** What the tests need of a connected client, whichever SDK it is of. */
export interface McpSession {
  tools(): Promise<string[]>
  call(tool: string, text?: string): Promise<SeenCaller>
  readonly sessionId: string | undefined
  /** Redeems what the authorization server answered. */
  finishSignIn(answer: { readonly code: string; readonly iss: string }): Promise<void>
  close(): Promise<void>
}

export interface ConnectOptions {
  /** Token of a client that was given one. */
  readonly token?: string | undefined
  /** Memory of a client that signs in by itself. */
  readonly provider?: MemoryProvider | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** A session whose transport is open; `connect` may fail with the SDK's UnauthorizedError. */
export interface PendingSession extends McpSession {
  connect(): Promise<void>
}

export interface McpClient {
  readonly name: string
  open(url: string, options: ConnectOptions): PendingSession
  isUnauthorized(error: unknown): boolean
}

function headersOf({ token }: ConnectOptions): { headers?: Record<string, string> } {
  return token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }
}

function parseAnswer(result: object): SeenCaller {
  const content: unknown = 'content' in result ? result.content : undefined
  const first: unknown = Array.isArray(content) ? content[0] : undefined
  return JSON.parse((first as { readonly text: string }).text) as SeenCaller
}

/** The client of SDK v1, which speaks up to 2025-11-25. */
export const clientV1: McpClient = {
  name: 'SDK v1 client',
  isUnauthorized: (error) => error instanceof UnauthorizedV1,
  open(url, options) {
    const client = new ClientV1({ name: 'v1', version: '1.0.0' })
    const { provider, fetch } = options
    const transport = new TransportV1(new URL(url), {
      requestInit: headersOf(options),
      ...(fetch === undefined ? undefined : { fetch }),
      ...(provider === undefined ? undefined : { authProvider: provider satisfies ProviderV1 }),
    })
    return {
      connect: () => client.connect(transport as never),
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, text) =>
        parseAnswer(await client.callTool({ name, arguments: text === undefined ? {} : { text } })),
      get sessionId() {
        return transport.sessionId
      },
      finishSignIn: ({ code }) => transport.finishAuth(code),
      close: () => client.close(),
    }
  },
}

function createClientV2(name: string, mode: VersionNegotiationMode): McpClient {
  return {
    name,
    isUnauthorized: (error) => error instanceof UnauthorizedV2,
    open(url, options) {
      const client = new ClientV2(
        { name: 'v2', version: '1.0.0' },
        { versionNegotiation: { mode } },
      )
      const { provider, fetch } = options
      const transport = new TransportV2(new URL(url), {
        requestInit: headersOf(options),
        ...(fetch === undefined ? undefined : { fetch }),
        ...(provider === undefined ? undefined : { authProvider: provider satisfies ProviderV2 }),
      })
      return {
        connect: () => client.connect(transport),
        tools: async () => (await client.listTools()).tools.map(({ name: tool }) => tool),
        call: async (tool, text) =>
          parseAnswer(
            await client.callTool({
              name: tool,
              arguments: text === undefined ? {} : { text },
            }),
          ),
        get sessionId() {
          return transport.sessionId
        },
        finishSignIn: ({ code, iss }) => transport.finishAuth(code, iss),
        close: () => client.close(),
      }
    },
  }
}

/** SDK v2 as it is by default: the handshake of 2025. */
export const clientV2: McpClient = createClientV2('SDK v2 client', 'legacy')
/** SDK v2 that asks the server first and falls back. */
export const clientV2Auto: McpClient = createClientV2('SDK v2 client, negotiating', 'auto')
/** SDK v2 that speaks 2026-07-28 and nothing else. */
export const clientV2Modern: McpClient = createClientV2('SDK v2 client, 2026-07-28', {
  pin: '2026-07-28',
})
