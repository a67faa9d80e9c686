import type { IncomingMessage, ServerResponse } from 'node:http'
import { createMcpAuth, type McpAuth, type PassOutcome } from './create-mcp-auth.js'
import { readMessage } from './express/read-message.js'
import { endWithCredential } from './express/stream-response.js'
import type { McpAuthOptions } from './mcp-auth-options.js'
import type { AuthInfo } from './resource-server/auth-info.js'
import { principalOf } from './resource-server/auth-info.js'
import type { AcceptedOutcome, GuardOptions, GuardOutcome } from './resource-server/guard.js'
import { checkGuardOptions } from './resource-server/guard-options.js'
import type { RequestView } from './resource-server/request-view.js'
import { PLAIN_REFUSALS, type ResponseOutcome } from './resource-server/responses.js'

/** A request as Express 4, Express 5 and plain `node:http` have it. */
export interface NodeRequest extends IncomingMessage {
  /** Target before any router changed `url`. */
  originalUrl?: string
  body?: unknown
  /** The verified caller, set by the guard. */
  auth?: AuthInfo
}

/** Express middleware, also usable as `(request, response, next)` in plain `node:http`. */
export type NodeMiddleware = (
  request: NodeRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

type Settled = GuardOutcome | PassOutcome

function viewOf(request: NodeRequest): RequestView {
  return {
    method: request.method ?? 'GET',
    target: request.originalUrl ?? request.url ?? '/',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
  }
}

function respond(request: NodeRequest, response: ServerResponse, outcome: ResponseOutcome): void {
  if (response.headersSent || response.destroyed) return
  const { vary } = outcome.headers
  const earlier = response.getHeader('vary')
  // `writeHead` overwrites; what an earlier middleware depends on still counts for every cache.
  const headers =
    vary === undefined || earlier === undefined
      ? outcome.headers
      : { ...outcome.headers, vary: [earlier, vary].flat().join(', ') }
  response.writeHead(outcome.status, headers)
  response.end(request.method === 'HEAD' ? undefined : outcome.body)
}

/**
 * Moves the caller to the request and the CORS headers to the response. False when something else,
 * such as a time-out, has answered meanwhile: then there is nothing left to handle.
 */
function admit(
  auth: McpAuth,
  request: NodeRequest,
  response: ServerResponse,
  accepted: AcceptedOutcome,
): boolean {
  if (response.headersSent) return false
  request.auth = accepted.authInfo
  if (accepted.headers !== undefined) {
    for (const [name, value] of Object.entries(accepted.headers)) {
      if (name === 'vary') response.appendHeader(name, value)
      else response.setHeader(name, value)
    }
  }
  endWithCredential(auth, response, accepted.principal)
  return true
}

function serve(
  auth: McpAuth,
  request: NodeRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
  outcome: Settled,
): void {
  if (outcome.kind === 'pass') {
    next()
    return
  }
  if (outcome.kind === 'response') {
    respond(request, response, outcome)
    return
  }
  const { authorizeMessage } = outcome
  if (authorizeMessage === undefined) {
    if (admit(auth, request, response, outcome)) next()
    return
  }

  const decide = async (): Promise<ResponseOutcome | undefined> => {
    // A client that goes away in the middle of its body is no fault of this server.
    const message = await readMessage(request, response, auth).catch(() => 'incomplete' as const)
    return typeof message === 'string'
      ? (outcome.refuseMessage?.(message) ?? PLAIN_REFUSALS.serverError)
      : await authorizeMessage(message)
  }
  decide().then(
    (refused) => {
      if (refused !== undefined) {
        respond(request, response, refused)
        return
      }
      if (admit(auth, request, response, outcome)) next()
    },
    // A bug: nothing is handed on.
    () => respond(request, response, PLAIN_REFUSALS.serverError),
  )
}

function middleware(
  auth: McpAuth,
  decide: (view: RequestView) => Settled | Promise<Settled>,
): NodeMiddleware {
  return (request, response, next) => {
    let outcome: Settled | Promise<Settled>
    try {
      outcome = decide(viewOf(request))
    } catch {
      respond(request, response, PLAIN_REFUSALS.serverError)
      return
    }
    if (!(outcome instanceof Promise)) {
      serve(auth, request, response, next, outcome)
      return
    }
    outcome.then(
      (settled) => serve(auth, request, response, next, settled),
      () => respond(request, response, PLAIN_REFUSALS.serverError),
    )
  }
}

function isMcpAuth(value: McpAuthOptions | McpAuth | undefined): value is McpAuth {
  return (
    typeof value === 'object' &&
    value !== null &&
    'guard' in value &&
    typeof value.guard === 'function'
  )
}

/**
 * Protects a whole Express app: answers the metadata documents and guards every other request that
 * reaches it, whatever its path or method, except exact `publicPaths`.
 *
 * Mount it before everything that needs a caller. `req.auth` is then the verified caller in the MCP
 * SDK's own shape.
 *
 * @example
 * ```ts
 * app.use(mcpAuth({ resource: 'https://mcp.example.com/mcp', validators: [oidc({ issuer })] }))
 * app.post('/mcp', mcpHandler)
 * ```
 *
 * @throws {@link ConfigurationError} at once, when an option is missing or malformed.
 */
export function mcpAuth(optionsOrAuth: McpAuthOptions | McpAuth): NodeMiddleware {
  const auth = isMcpAuth(optionsOrAuth) ? optionsOrAuth : createMcpAuth(optionsOrAuth)
  return middleware(auth, (view) => auth.handle(view))
}

/**
 * Answers the metadata documents and leaves every other request alone. Mount it at the root of the
 * app, beside {@link guard}.
 */
export function metadata(auth: McpAuth): NodeMiddleware {
  const pass: PassOutcome = { kind: 'pass' }
  return middleware(auth, (view) => auth.metadata(view) ?? pass)
}

/**
 * Guards the routes that it is mounted on.
 *
 * @example
 * ```ts
 * app.use(metadata(auth))
 * app.use('/mcp', guard(auth))
 * app.get('/reports', guard(auth, { scopes: ['reports.read'], messages: false }), listReports)
 * ```
 *
 * @param options.scopes - needed here beside the resource's `scopes.required`.
 * @throws {@link ConfigurationError} at once, when an option is unknown or malformed.
 */
export function guard(auth: McpAuth, options?: GuardOptions): NodeMiddleware {
  if (options !== undefined) checkGuardOptions(auth, options)
  return middleware(auth, (view) => auth.guard(view, options))
}

/**
 * Returns the verified caller of a request.
 *
 * @throws TypeError when the request did not pass the guard, so that a forgotten guard cannot look
 * like an anonymous caller.
 */
export function getAuth(request: object): AuthInfo {
  const auth = Reflect.get(request, 'auth') as AuthInfo | undefined
  if (principalOf(auth) === undefined) {
    throw new TypeError('getAuth needs a request that passed the guard of this package')
  }
  return auth as AuthInfo
}
