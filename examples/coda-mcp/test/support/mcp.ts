import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { createApp } from '../../src/app.js'
import { createCodaClient } from '../../src/coda/coda-client.js'
import type { CodaClock } from '../../src/coda/retry.js'
import { type CodaMcpConfig, readConfig } from '../../src/config.js'
import { createDrain, type Drain } from '../../src/drain.js'
import { createHealth, type Health } from '../../src/health.js'
import { createRateLimits } from '../../src/limits/rate-limits.js'
import { createLogger } from '../../src/logger.js'
import type { CredentialFor } from '../../src/mcp-server.js'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.js'
import { createToolObserver } from '../../src/tool-observer.js'
import { type Listening, listen } from './listen.js'
import { outputValidators } from './output-validators.js'
import type { SdkVersion } from './sdk-versions.js'
import type { OAuthMemory } from './sign-in.js'
import { unwatched } from './unwatched.js'

export * from './sdk-versions.js'

export const codaToken = 'canary-coda-token-9b2c'

/** Sets `req.auth` to the name in the Authorization header, as a guard would after checking it. */
const stubAuth: RequestHandler = (
  request: Request,
  response: Response,
  next: NextFunction,
): void => {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) {
    response.status(401).json({ error: 'unauthorized' })
    return
  }
  Object.assign(request, { auth: { token, clientId: `client of ${token}`, scopes: [] } })
  next()
}

export interface RunningApp extends Listening {
  readonly config: CodaMcpConfig
  readonly health: Health
  readonly drain: Drain
  readonly metrics: Metrics
  /** Lines of the log. */
  readonly log: readonly string[]
}

export interface AppSetup {
  readonly codaBaseUrl?: string | undefined
  readonly clock?: CodaClock | undefined
  readonly credentialFor?: CredentialFor | undefined
  readonly env?: Record<string, string> | undefined
  readonly oauth?: boolean | undefined
  readonly auth?: readonly RequestHandler[] | undefined
}

export async function startApp(setup: AppSetup = {}): Promise<RunningApp> {
  const config = readConfig({ ...unwatched, ...setup.env })
  const log: string[] = []
  const logger = createLogger('debug', { write: (line) => void log.push(line) })
  const health = createHealth({
    version: '1.2.3',
    store: config.store.kind,
    now: () => Date.UTC(2026, 0, 2),
  })
  health.signIn({ providers: ['stytch', 'bearer'], oauthCompliant: true })
  const drain = createDrain({
    drainSeconds: config.drainSeconds,
    acceptSeconds: 0,
    onBegin: health.drain,
  })
  const metrics = createMetrics({ process: false })
  const limits = createRateLimits({ settings: config.limits, logger, metrics })
  const { express, endpoint } = createApp({
    config,
    version: '1.2.3',
    logger,
    metrics,
    limits,
    toolObserver: createToolObserver({ logger, metrics }),
    health,
    drain,
    coda: createCodaClient({ baseUrl: setup.codaBaseUrl, clock: setup.clock }),
    credentialFor: setup.credentialFor ?? (() => codaToken),
    auth: setup.auth ?? [stubAuth],
    oauth: setup.oauth ?? true,
    callerOf: (request) => {
      const auth: unknown = Reflect.get(request, 'auth')
      return auth === undefined ? undefined : { issuer: 'stub', subject: 'caller' }
    },
  })
  const listening = await listen(express)
  return {
    ...listening,
    config,
    health,
    drain,
    metrics,
    log,
    close: async () => {
      await endpoint.close()
      await listening.close()
    },
  }
}

/** What a tool call answers, in the part that all SDK versions share. */
export interface CallResult {
  readonly text: string
  readonly structured: Record<string, unknown> | undefined
  readonly isError: boolean
  readonly meta: Record<string, unknown>
}

export interface TestClient {
  readonly version: string
  call(name: string, input?: Record<string, unknown>): Promise<CallResult>
  tools(): Promise<
    readonly {
      name: string
      inputSchema?: unknown
      outputSchema?: unknown
      annotations?: Record<string, unknown> | undefined
    }[]
  >
  close(): Promise<void>
}

function readResult(result: Record<string, unknown>): CallResult {
  const [first]: unknown[] = Array.isArray(result.content) ? result.content : []
  const record = (value: unknown): Record<string, unknown> | undefined =>
    typeof value === 'object' && value !== null ? { ...value } : undefined
  return {
    text: String(record(first)?.text),
    structured: record(result.structuredContent),
    isError: result.isError === true,
    meta: record(result._meta) ?? {},
  }
}

/** A client whose transport is made and not connected yet. */
export interface TestSession extends TestClient {
  connect(): Promise<void>
  /** Redeems what the authorization server answered. */
  finishSignIn(answer: { readonly code: string; readonly iss: string }): Promise<void>
}

/** How a client is known to the server. */
export interface SessionAuth {
  readonly requestInit?: { readonly headers: Record<string, string> }
  readonly authProvider?: OAuthMemory
}

/** Prepares a client of an SDK version for an MCP endpoint. */
export function openSession(url: string, version: SdkVersion, auth: SessionAuth): TestSession {
  const info = { name: 'test', version: '1.0.0' }
  if (version === 'v1') {
    const client = new ClientV1(info, outputValidators.v1)
    const transport = new TransportV1(new URL(url), auth)
    return {
      version,
      // The two SDK versions disagree with exactOptionalPropertyTypes about `sessionId`.
      connect: async () => await client.connect(transport as Parameters<typeof client.connect>[0]),
      finishSignIn: async ({ code }) => await transport.finishAuth(code),
      call: async (name, input = {}) =>
        readResult(await client.callTool({ name, arguments: input })),
      tools: async () => (await client.listTools()).tools,
      close: async () => await client.close(),
    }
  }
  const mode = version === 'v2, 2025 protocol' ? 'legacy' : { pin: '2026-07-28' }
  const client = new ClientV2(info, { ...outputValidators.v2, versionNegotiation: { mode } })
  const transport = new TransportV2(new URL(url), auth)
  return {
    version,
    connect: async () => await client.connect(transport),
    finishSignIn: async ({ code, iss }) => await transport.finishAuth(code, iss),
    call: async (name, input = {}) => readResult(await client.callTool({ name, arguments: input })),
    tools: async () => (await client.listTools()).tools,
    close: async () => await client.close(),
  }
}

/** Connects a client of an SDK version to `/mcp` with the given Bearer token. */
export async function connect(
  origin: string,
  version: SdkVersion,
  bearer = 'inbound-token',
): Promise<TestClient> {
  const session = openSession(new URL('/mcp', origin).href, version, {
    requestInit: { headers: { authorization: `Bearer ${bearer}` } },
  })
  await session.connect()
  return session
}
