import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerAuthorization } from './authorization-endpoint.js'
import { type EndpointRequest, type EndpointResponse, NO_STORE, Refusal } from './endpoint.js'
import { isLoopbackRequest, readRequest, requestTarget, sendResponse } from './http-exchange.js'
import { answerIntrospection, answerRevocation } from './introspection-endpoint.js'
import type { IssuerContext } from './issuer-context.js'
import {
  answerForeignJwks,
  answerJwks,
  answerMetadata,
  ENDPOINT_PATHS,
} from './metadata-endpoint.js'
import { type ResponseMode, sendOutage } from './outages.js'
import { answerRegistration } from './registration-endpoint.js'
import { answerToken } from './token-endpoint.js'

/** Endpoints whose answers can be broken on purpose. */
export type SwitchableEndpoint = 'jwks' | 'metadata' | 'introspection' | 'token'

/**
 * What requests are counted by. `foreign-jwks` is where the `jku` header of a forged token points,
 * `redirected` where the response mode `redirect` leads: a correct server requests neither.
 */
export type CountedEndpoint =
  | SwitchableEndpoint
  | 'register'
  | 'authorize'
  | 'revocation'
  | 'foreign-jwks'
  | 'redirected'

const REDIRECTED_PATH = '/oauth/redirected/'

type Answer = (
  context: IssuerContext,
  request: EndpointRequest,
) => EndpointResponse | Promise<EndpointResponse>

interface Endpoint {
  readonly name: Exclude<CountedEndpoint, 'redirected'>
  readonly methods: readonly string[]
  /** Browser clients read the answers of these from another origin. */
  readonly cors: boolean
  readonly answer: Answer
}

const ENDPOINTS: readonly Endpoint[] = [
  { name: 'metadata', methods: ['GET', 'HEAD'], cors: true, answer: answerMetadata },
  { name: 'jwks', methods: ['GET', 'HEAD'], cors: true, answer: answerJwks },
  { name: 'foreign-jwks', methods: ['GET', 'HEAD'], cors: false, answer: answerForeignJwks },
  { name: 'register', methods: ['POST'], cors: true, answer: answerRegistration },
  { name: 'authorize', methods: ['GET', 'POST'], cors: false, answer: answerAuthorization },
  { name: 'token', methods: ['POST'], cors: true, answer: answerToken },
  { name: 'introspection', methods: ['POST'], cors: false, answer: answerIntrospection },
  { name: 'revocation', methods: ['POST'], cors: true, answer: answerRevocation },
]

const METADATA_SUFFIXES = ['oauth-authorization-server', 'openid-configuration']

/** Every path at which a client may look for something: appended to the issuer's and inserted. */
function pathsOf(name: Endpoint['name'], issuerPath: string): readonly string[] {
  if (name !== 'metadata') return [issuerPath + ENDPOINT_PATHS[name]]
  return METADATA_SUFFIXES.flatMap((suffix) => [
    `/.well-known/${suffix}${issuerPath}`,
    `${issuerPath}/.well-known/${suffix}`,
  ])
}

function findEndpoint(
  context: IssuerContext,
  pathname: string,
): { endpoint: Endpoint; isRedirected: boolean } | undefined {
  const { pathname: base } = new URL(context.issuer())
  const issuerPath = base === '/' ? '' : base
  for (const endpoint of ENDPOINTS) {
    if (pathsOf(endpoint.name, issuerPath).includes(pathname)) {
      return { endpoint, isRedirected: false }
    }
    if (pathname === issuerPath + REDIRECTED_PATH + endpoint.name) {
      return { endpoint, isRedirected: true }
    }
  }
  return undefined
}

function redirectTarget(context: IssuerContext, name: string): string {
  const url = new URL(`${context.issuer()}${REDIRECTED_PATH}${name}`)
  // Another host name for the same machine, so that rules about the origin apply.
  url.hostname = url.hostname === 'localhost' ? '127.0.0.1' : 'localhost'
  return url.href
}

function allowCrossOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  allow: string,
): boolean {
  response.setHeader('Access-Control-Allow-Origin', '*')
  if (request.method !== 'OPTIONS') return false
  sendResponse(request, response, {
    status: 204,
    headers: {
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, MCP-Protocol-Version',
      'Access-Control-Max-Age': '600',
    },
  })
  return true
}

async function answerSafely(
  endpoint: Endpoint,
  context: IssuerContext,
  request: IncomingMessage,
  target: URL,
): Promise<EndpointResponse> {
  try {
    return await endpoint.answer(context, await readRequest(request, target))
  } catch (error) {
    if (error instanceof Refusal) return error.response
    throw error
  }
}

/** Counters and switches of one router. */
export interface RouterState {
  readonly modes: Map<CountedEndpoint, ResponseMode>
  readonly counts: Map<CountedEndpoint, number>
}

/** Request handler for `node:http`, Express and Connect. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

/** Answers the issuer's own paths and leaves all others to `next`, or says 404 without one. */
export function createRouter(
  context: IssuerContext,
  { modes, counts }: RouterState,
): RequestHandler {
  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    target: URL,
    { endpoint, isRedirected }: { endpoint: Endpoint; isRedirected: boolean },
  ): Promise<void> {
    if (!isLoopbackRequest(request)) {
      const refusal = new Refusal('access_denied', 'the test issuer serves loopback only', 403)
      return sendResponse(request, response, refusal.response)
    }
    const allow = endpoint.methods.join(', ')
    if (endpoint.cors && allowCrossOrigin(request, response, `${allow}, OPTIONS`)) return
    if (!endpoint.methods.includes(request.method ?? '')) {
      return sendResponse(request, response, {
        status: 405,
        headers: { ...NO_STORE, Allow: allow },
        body: { error: 'invalid_request', error_description: 'method not allowed' },
      })
    }
    const name = isRedirected ? 'redirected' : endpoint.name
    counts.set(name, (counts.get(name) ?? 0) + 1)

    const mode = isRedirected ? 'ok' : (modes.get(endpoint.name) ?? 'ok')
    const answer = () => answerSafely(endpoint, context, request, target)
    if (mode === 'ok') return sendResponse(request, response, await answer())
    await sendOutage(mode, request, response, redirectTarget(context, endpoint.name), answer)
  }

  return (request, response, next) => {
    const target = requestTarget(request)
    const found = target === undefined ? undefined : findEndpoint(context, target.pathname)
    if (target === undefined || found === undefined) {
      if (next !== undefined) return next()
      return sendResponse(request, response, { status: 404, body: { error: 'not_found' } })
    }
    handle(request, response, target, found).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      if (next !== undefined) return next(error)
      sendResponse(request, response, { status: 500, body: { error: 'server_error' } })
    })
  }
}
