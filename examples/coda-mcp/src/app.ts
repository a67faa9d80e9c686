import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import type { CodaClient } from './coda/coda-client.js'
import type { CodaMcpConfig } from './config.js'
import type { Drain } from './drain.js'
import type { Health } from './health.js'
import { createLandingPage } from './landing-page.js'
import { limitBatch, limitRequests } from './limits/limit-requests.js'
import type { RateLimits } from './limits/rate-limits.js'
import type { Logger } from './logger.js'
import { createMcpEndpoint, type McpEndpoint } from './mcp-endpoint.js'
import { type CredentialFor, createCodaMcpServer, type TokenRefused } from './mcp-server.js'
import type { Metrics } from './metrics/metrics.js'
import { observeRequests } from './metrics/observe-requests.js'
import { type Caller, logRequests } from './request-log.js'
import type { ToolObserver } from './tool-observer.js'

/** Options for {@link createApp}. */
export interface AppOptions {
  readonly config: CodaMcpConfig
  readonly version: string
  readonly logger: Logger
  readonly health: Health
  readonly drain: Drain
  readonly coda: CodaClient
  readonly credentialFor: CredentialFor
  readonly onTokenRefused?: TokenRefused | undefined
  /**
   * Guards everything but the landing page and the health routes, in this order. It has to set
   * `req.auth` in the shape of the MCP SDK and may answer routes of its own, such as metadata.
   */
  readonly auth: readonly RequestHandler[]
  /** Whether clients can sign in by OAuth, for the landing page. */
  readonly oauth: boolean
  /** Names the verified caller of a request, for the log. Default: calls are logged at debug only. */
  readonly callerOf?: ((request: Request) => Caller | undefined) | undefined
  readonly metrics: Metrics
  readonly limits: RateLimits
  readonly toolObserver: ToolObserver
}

/** The Express app, and the MCP endpoint in it, which is closed when the server ends. */
export interface App {
  readonly express: Express
  readonly endpoint: McpEndpoint
}

function handleErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    logger.error({ err: error, requestId: response.locals.requestId }, 'request failed')
    if (response.headersSent) {
      next(error)
      return
    }
    response.status(500).set('cache-control', 'no-store').json({ error: 'server_error' })
  }
}

/**
 * Puts the server together: landing page and health in the open, then `auth`, then `/mcp`.
 *
 * @throws Error when `auth` is empty, since `/mcp` would be open to everybody.
 */
export function createApp(options: AppOptions): App {
  const { config, version, logger, health, drain, coda, credentialFor, onTokenRefused } = options
  const { metrics, limits, toolObserver, callerOf = () => undefined } = options
  if (options.auth.length === 0) throw new Error('createApp: auth must hold at least one handler')
  const endpoint = createMcpEndpoint(
    (tool) =>
      createCodaMcpServer({
        tool,
        coda,
        credentialFor,
        onTokenRefused,
        version,
        readOnly: config.readOnly,
        shuttingDown: drain.signal,
        onToolCall: toolObserver.finished,
        aroundToolCall: toolObserver.around,
      }),
    (error) => logger.debug({ err: error }, 'MCP request refused'),
    (messages) => limitBatch(limits, messages),
  )

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  if (config.trustProxy !== undefined) app.set('trust proxy', config.trustProxy)

  app.use(drain.middleware)
  app.use(logRequests(logger, callerOf))
  app.use(observeRequests(metrics))
  app.use(health.router)
  app.use(createLandingPage({ connectorUrl: config.resource, oauth: options.oauth }))
  app.use(...options.auth)
  app.all('/mcp', limitRequests(limits, callerOf), (request: Request, response: Response) => {
    response.set('cache-control', 'no-store')
    return endpoint.handle(request, response)
  })
  app.use((_request: Request, response: Response) => {
    response.status(404).json({
      error: 'not_found',
      error_description: `The MCP endpoint is ${config.resource}`,
    })
  })
  app.use(handleErrors(logger))
  return { express: app, endpoint }
}
