import type { IncomingMessage, ServerResponse } from 'node:http'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { answerAccount } from '../account/account.js'
import { answerCallback } from '../interaction/federation.js'
import { answerInteraction } from '../interaction/interaction.js'
import { networkOf } from '../limits/client-address.js'
import { withinClientLimits } from '../limits/client-limits.js'
import { createForwardedHeaderWatch } from '../limits/forwarded-headers.js'
import type { LimitName } from '../limits/limit-options.js'
import { enforceLimits, RateLimitedError } from '../limits/rate-limited.js'
import { ClientDocumentUnavailableError } from './adapter.js'
import { answerAuthorize, normalizeAuthorizationQuery } from './authorize.js'
import type { Engine } from './engine.js'
import { createEngineScope, runInScope } from './engine-scope.js'
import { countFetch } from './find-document.js'
import { checkBasicHeader, readForm } from './form-endpoint.js'
import {
  type Answer,
  type EndpointRequest,
  engineAnswer,
  errorPage,
  isOutage,
  NO_STORE,
  oauthError,
  readBody,
  sendAnswer,
  tooManyRequests,
} from './http.js'
import { type AuthorizationServerMetadata, createMetadata } from './metadata.js'
import { PATHS } from './paths.js'
import { answerRegistration } from './registration-endpoint.js'
import { JWKS_MAX_AGE } from './signing-keys.js'
import { answerToken } from './token-endpoint.js'
import { answerIntrospection, answerRevocation } from './token-management.js'
import { answerUserinfo } from './userinfo.js'

/** Middleware of Express and everything that is called alike. */
export type Router = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** `page`: for browsers. `api`: for programs, with CORS; no cookie is read there. */
interface Route {
  readonly kind: 'page' | 'api'
  /** What a request counts for, by its network alone. */
  readonly limit?: LimitName | undefined
  readonly answer: (request: EndpointRequest) => Answer | Promise<Answer>
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, Retry-After',
} as const

const PREFLIGHT: Answer = {
  status: 204,
  headers: {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
    'access-control-allow-headers': 'Authorization, Content-Type, DPoP, MCP-Protocol-Version',
    'access-control-max-age': '600',
  },
  body: '',
}

const INTERACTION = /^\/oauth\/interaction\/([\w-]{1,64})(?:\/([\w-]+(?:\/[\w-]+)?))?$/
const ACCOUNT = /^\/account(?:\/([\w/-]{1,4096}))?$/
const RESUME = /^\/oauth\/authorize\/[\w-]{1,64}$/

function pageRoute(answer: Route['answer']): Route {
  return { kind: 'page', limit: 'pages', answer }
}

function documentRoute(maxAge: number, read: () => unknown): Route {
  return {
    kind: 'api',
    answer({ method }) {
      if (method !== 'GET' && method !== 'HEAD') {
        return oauthError(405, 'invalid_request', 'use GET', { allow: 'GET, HEAD, OPTIONS' })
      }
      return {
        status: 200,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'cache-control': `public, max-age=${maxAge}`,
        },
        body: JSON.stringify(read()),
      }
    },
  }
}

function createRoutes(engine: Engine, metadata: AuthorizationServerMetadata): Map<string, Route> {
  const metadataRoute = documentRoute(300, () => metadata)
  const api = (answer: (e: Engine, request: EndpointRequest) => Promise<Answer>): Route => ({
    kind: 'api',
    answer: (request) => answer(engine, request),
  })
  const page = (answer: (e: Engine, request: EndpointRequest) => Promise<Answer>): Route =>
    pageRoute((request) => answer(engine, request))
  const routes = new Map<string, Route>([
    [PATHS.oauthMetadata, metadataRoute],
    [PATHS.openidMetadata, metadataRoute],
    [PATHS.jwks, documentRoute(JWKS_MAX_AGE, () => engine.keys.jwks)],
    [PATHS.authorize, page(answerAuthorize)],
    [PATHS.callback, page(answerCallback)],
    [PATHS.token, api(answerToken)],
    [PATHS.revoke, api(answerRevocation)],
    [PATHS.introspect, api(answerIntrospection)],
    [PATHS.userinfo, { ...api(answerUserinfo), limit: 'token' }],
  ])
  routes.set(
    PATHS.register,
    engine.parts.dynamicRegistration
      ? api(answerRegistration)
      : { kind: 'api', answer: () => oauthError(404, 'invalid_request', 'registration is off') },
  )
  if (engine.parts.pushedAuthorizationRequests) {
    routes.set(
      PATHS.par,
      api(async (_, request) => {
        const read = await readForm(request)
        if (!read.ok) return read.answer
        const malformed = checkBasicHeader(request, engine.parts.issuer)
        if (malformed !== undefined) return malformed
        return withinClientLimits(engine.parts, request, read.form, async () => {
          const query = normalizeAuthorizationQuery(engine, read.form.toString())
          const form = new URLSearchParams(query)
          return engineAnswer(await engine.call({ request, form }), NO_STORE)
        })
      }),
    )
  }
  return routes
}

function findRoute(
  engine: Engine,
  routes: ReadonlyMap<string, Route>,
  path: string,
): Route | undefined {
  const exact = routes.get(path)
  if (exact !== undefined) return exact
  if (RESUME.test(path)) {
    return pageRoute((request) => answerAuthorize(engine, request))
  }
  const account = ACCOUNT.exec(path)
  if (account !== null) {
    return pageRoute((request) => answerAccount(engine, request, account[1] ?? ''))
  }
  const [, uid, action = ''] = INTERACTION.exec(path) ?? []
  if (uid === undefined) return undefined
  return pageRoute((request) => answerInteraction(engine, request, uid, action))
}

/** Path and query of the request target, also when it is written in absolute form. */
function readTarget(request: IncomingMessage): { path: string; query: string } {
  const original: unknown = Reflect.get(request, 'originalUrl')
  let target = typeof original === 'string' ? original : (request.url ?? '/')
  if (!target.startsWith('/') && URL.canParse(target)) {
    const { pathname, search } = new URL(target)
    target = pathname + search
  }
  const at = target.indexOf('?')
  return at === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, at), query: target.slice(at + 1) }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

function failureAnswer(engine: Engine, route: Route, error: unknown): Answer {
  if (error instanceof RateLimitedError) {
    return route.kind === 'page'
      ? errorPage(engine.parts.pages, 429, 'too_many', error.retryAfterSeconds)
      : tooManyRequests(error.retryAfterSeconds)
  }
  const outage = isOutage(error)
  engine.parts.events.tell({
    event: 'request.failed',
    outcome: 'failed',
    reason: outage ? 'unavailable' : 'server_error',
    // Its message may quote what it was about; its name and code cannot.
    details: { error: isAuthError(error) ? error.code : nameOf(error) },
  })
  if (route.kind === 'page') {
    // The host of the document is not a part of this server: trying again here would not help.
    if (error instanceof ClientDocumentUnavailableError) {
      return errorPage(engine.parts.pages, 400, 'unknown_client')
    }
    return outage
      ? errorPage(engine.parts.pages, 503, 'unavailable')
      : errorPage(engine.parts.pages, 500, 'server_error')
  }
  return outage
    ? oauthError(503, 'temporarily_unavailable', undefined, { 'retry-after': '5' })
    : oauthError(500, 'server_error')
}

/** Builds the middleware. It answers its own paths and hands on every other request untouched. */
export function createRouter(engine: Engine): {
  readonly router: Router
  readonly metadata: AuthorizationServerMetadata
} {
  const metadata = createMetadata(engine.parts)
  const routes = createRoutes(engine, metadata)
  const watchHeaders = createForwardedHeaderWatch(engine.parts.events)

  const addressOf = ({ socket, headers }: IncomingMessage): string => {
    const { addresses } = engine.parts
    watchHeaders(headers, addresses.isTrusted(socket.remoteAddress))
    return addresses.read(socket.remoteAddress, headers['x-forwarded-for'])
  }

  const respond = async (
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    target: { path: string; query: string },
  ): Promise<void> => {
    const method = request.method ?? 'GET'
    const headers = route.kind === 'api' ? CORS : {}
    let answer: Answer
    if (route.kind === 'api' && method === 'OPTIONS') {
      answer = PREFLIGHT
    } else {
      try {
        const remoteAddress = addressOf(request)
        const network = networkOf(remoteAddress)
        if (route.limit !== undefined) {
          await enforceLimits(engine.parts.limits, { limit: route.limit, key: [network] })
        }
        const asked: EndpointRequest = {
          method,
          ...target,
          headers: request.headers,
          remoteAddress,
          network,
          body: (limit) => readBody(request, limit),
        }
        // Pages look clients up without asking the engine; what that fetches counts as well.
        const scope = createEngineScope({ countFetch: () => countFetch(engine.parts, asked) })
        answer = await runInScope(scope, async () => route.answer(asked))
      } catch (error) {
        answer = failureAnswer(engine, route, error)
      }
    }
    sendAnswer(method, response, { ...answer, headers: { ...answer.headers, ...headers } })
  }

  const router: Router = (request, response, next) => {
    const target = readTarget(request)
    const route = findRoute(engine, routes, target.path)
    if (route === undefined) {
      next()
      return
    }
    respond(request, response, route, target).catch(next)
  }
  return { router, metadata }
}
