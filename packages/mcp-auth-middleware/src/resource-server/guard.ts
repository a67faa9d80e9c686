import { type AuthEventListener, emit, type RequestOutcome, requestIdFrom } from '../events.js'
import type { VerifiedToken } from '../jwt/verified-token-cache.js'
import type { Principal } from '../principal.js'
import type { TokenValidator } from '../validators/validator.js'
import { createAuthInfo } from './auth-info.js'
import { type Authenticate, type Authentication, presentsHeaderOf } from './authenticate.js'
import { corsHeaders, isPreflight, PUBLIC_CORS, preflightHeaders } from './cors.js'
import type { GuardOutcome } from './guard-outcome.js'
import { unreadableEncoding } from './json-rpc-message.js'
import type { Operation } from './operation-scopes.js'
import { type PreparedCredentials, prepareCredentials } from './prepared-credentials.js'
import type { ProofOfPossession } from './proof-of-possession.js'
import type { ProtectedResource, ResourceSelection } from './protected-resource.js'
import { announcesBody, headerOf, isBodiless, pathOf, type RequestView } from './request-view.js'
import {
  PLAIN_REFUSALS,
  type ResponseOutcome,
  unavailable,
  withHeaders,
  withoutChallenge,
} from './responses.js'
import { coversScopes } from './scope.js'
import type { SessionIds } from './session-id.js'

export type { AcceptedOutcome, GuardOutcome } from './guard-outcome.js'

/** Choices for one use of the guard. */
export interface GuardOptions {
  /** Scopes needed here beside the resource's `scopes.required`. */
  readonly scopes?: readonly string[] | undefined
  /** Identifier of the resource, where several are configured and the path does not tell. */
  readonly resource?: string | undefined
  /**
   * Whether bodies are JSON-RPC messages whose tools are authorized. Default true; set it to false
   * for further routes that are not MCP endpoints.
   */
  readonly messages?: boolean | undefined
}

/** Parts that the guard needs. */
export interface GuardParts {
  readonly authenticate: Authenticate
  readonly selectResource: ResourceSelection
  readonly resources: readonly ProtectedResource[]
  readonly sessionIds: SessionIds
  readonly credentials: readonly PreparedCredentials[]
  readonly validatorsAtEdge: readonly TokenValidator[]
  readonly dpop: ProofOfPossession | undefined
  readonly onEvent: AuthEventListener | undefined
  readonly now: () => number
}

/** Everything that one request's later steps need. */
interface Exchange {
  readonly view: RequestView
  readonly resource: ProtectedResource | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly now: number
}

/** Guards requests: Host and Origin, credential, allow-list, session, scopes, in this order. */
export type Guard = (
  view: RequestView,
  options?: GuardOptions,
) => GuardOutcome | Promise<GuardOutcome>

export function createGuard(parts: GuardParts): Guard {
  const { authenticate, selectResource, sessionIds, credentials, onEvent, now } = parts

  const report = (
    exchange: Exchange,
    outcome: RequestOutcome,
    reason: string,
    status: number | undefined,
    detail?: {
      readonly validator?: TokenValidator | undefined
      readonly principal?: Principal | undefined
      readonly cached?: boolean
    },
  ): void => {
    if (onEvent === undefined) return
    const principal = detail?.principal
    emit(onEvent, {
      type: 'request',
      time: exchange.now,
      requestId: requestIdFrom(headerOf(exchange.view, 'x-request-id')),
      outcome,
      reason,
      status,
      method: exchange.view.method,
      resource: exchange.resource?.id,
      validator: detail?.validator?.name,
      cached: detail?.cached,
      principal:
        principal === undefined
          ? undefined
          : { issuer: principal.issuer, subject: principal.subject, clientId: principal.clientId },
    })
  }

  const refuse = (
    exchange: Exchange,
    response: ResponseOutcome,
    outcome: RequestOutcome,
    reason: string,
    detail?: Parameters<typeof report>[4],
  ): ResponseOutcome => {
    report(exchange, outcome, reason, response.status, detail)
    // An edge that does OAuth answers challenges itself for the requests that it let through.
    const hasChallenge = response.headers['www-authenticate'] !== undefined
    const edge =
      hasChallenge &&
      parts.validatorsAtEdge.some((validator) => presentsHeaderOf(exchange.view, validator))
    const offered =
      hasChallenge && parts.dpop !== undefined ? parts.dpop.offer(response, reason) : response
    return withHeaders(edge ? withoutChallenge(response) : offered, exchange.headers)
  }

  const refuseAuthentication = (
    exchange: Exchange,
    resource: ProtectedResource,
    result: Exclude<Authentication, { kind: 'authenticated' }>,
  ): ResponseOutcome => {
    const { refusals } = resource
    switch (result.kind) {
      case 'unauthenticated':
        return refuse(exchange, refusals.unauthenticated, 'unauthenticated', 'no_credential')
      case 'malformed': {
        const response = result.status === 400 ? refusals.repeated : refusals.malformed
        return refuse(exchange, response, 'malformed', result.reason)
      }
      case 'rejected':
        return refuse(exchange, refusals.invalidToken, 'invalid_token', result.reason, result)
      case 'forbidden':
        return refuse(exchange, PLAIN_REFUSALS.forbidden, 'forbidden', result.reason, result)
      case 'unavailable': {
        const response = unavailable(result.retryAfterSeconds)
        return refuse(exchange, response, 'unavailable', result.reason, result)
      }
      case 'failed':
        return refuse(exchange, PLAIN_REFUSALS.serverError, 'server_error', result.reason, result)
    }
  }

  const refuseScope = (
    exchange: Exchange,
    resource: ProtectedResource,
    token: VerifiedToken,
    needed: readonly string[],
  ): ResponseOutcome | undefined => {
    if (coversScopes(token.scopes, needed)) return undefined
    // A caller whose scopes are fixed by configuration would be sent to log in for nothing.
    const canStepUp =
      token.validator.scopeSource === 'token' && token.validator.authorizationServers.length > 0
    const response = resource.refusals.insufficientScope(needed, canStepUp)
    return refuse(exchange, response, 'insufficient_scope', 'scope_missing', token)
  }

  /** Looks up the credentials of the called tools, so that a store outage is a 503. */
  const refusePreparation = async (
    exchange: Exchange,
    token: VerifiedToken,
    operations: readonly Operation[],
  ): Promise<ResponseOutcome | undefined> => {
    switch (await prepareCredentials(credentials, token.principal, operations)) {
      case 'ready':
        return undefined
      case 'unavailable':
        return refuse(exchange, unavailable(5), 'unavailable', 'store_unavailable', token)
      case 'failed':
        return refuse(exchange, PLAIN_REFUSALS.serverError, 'server_error', 'store_failed', token)
    }
  }

  const accept = (
    exchange: Exchange,
    resource: ProtectedResource,
    result: Extract<Authentication, { kind: 'authenticated' }>,
    options: GuardOptions | undefined,
  ): GuardOutcome => {
    const { view } = exchange
    const { token } = result
    const { principal } = token

    const sessionId = headerOf(view, 'mcp-session-id')
    if (sessionId !== undefined && sessionIds.check(sessionId, principal) === 'foreign') {
      const response = PLAIN_REFUSALS.sessionUnknown
      return refuse(exchange, response, 'not_found', 'session_of_another', token)
    }

    const endpoint =
      options?.scopes === undefined
        ? resource.policy.required
        : [...new Set([...resource.policy.required, ...options.scopes])]
    const readsMessage =
      (resource.policy.readsMessages || credentials.length > 0) &&
      options?.messages !== false &&
      (!isBodiless(view.method) || (view.hasBody ?? announcesBody(view.headers)))
    const accepted = {
      kind: 'accepted',
      authInfo: createAuthInfo(result.credential, principal, resource.id, resource.metadataUrl),
      principal,
      headers: exchange.headers,
    } as const
    const detail = { validator: token.validator, principal, cached: result.cached }

    if (!readsMessage) {
      const refused = refuseScope(exchange, resource, token, endpoint)
      if (refused !== undefined) return refused
      report(exchange, 'accepted', 'accepted', undefined, detail)
      return accepted
    }

    const encoding = unreadableEncoding(
      headerOf(view, 'content-encoding'),
      headerOf(view, 'content-type'),
    )
    if (encoding !== undefined) {
      return refuse(exchange, PLAIN_REFUSALS.messageEncoding, 'bad_message', encoding, token)
    }
    return {
      ...accepted,
      authorizeMessage(message) {
        if (message.kind === 'unreadable') {
          const response = PLAIN_REFUSALS.messageUnreadable
          return refuse(exchange, response, 'bad_message', message.reason, token)
        }
        // One challenge with all scopes of the operation, the endpoint's included.
        const needed = resource.policy.scopesFor(message.operations, endpoint)
        const refused = refuseScope(exchange, resource, token, needed)
        if (refused !== undefined) return refused
        const done = (outcome: ResponseOutcome | undefined): ResponseOutcome | undefined => {
          if (outcome === undefined) report(exchange, 'accepted', 'accepted', undefined, detail)
          return outcome
        }
        return credentials.length === 0
          ? done(undefined)
          : refusePreparation(exchange, token, message.operations).then(done)
      },
      refuseMessage(reason) {
        if (reason === 'full') {
          return refuse(exchange, unavailable(1), 'unavailable', 'messages_over_budget', token)
        }
        const [response, code] =
          reason === 'too_large'
            ? ([PLAIN_REFUSALS.messageTooLarge, 'body_too_large'] as const)
            : ([PLAIN_REFUSALS.messageUnreadable, 'body_incomplete'] as const)
        return refuse(exchange, response, 'bad_message', code, token)
      },
    }
  }

  return (view, options) => {
    const time = now()
    const host = headerOf(view, 'host')
    const resource =
      options?.resource === undefined
        ? selectResource(pathOf(view.target), host)
        : parts.resources.find(({ id }) => id === options.resource)
    const origin = headerOf(view, 'origin')
    if (resource === undefined) {
      const exchange = { view, resource, headers: PUBLIC_CORS, now: time }
      return refuse(exchange, PLAIN_REFUSALS.notFound, 'not_found', 'no_such_resource')
    }

    const exchange = { view, resource, headers: corsHeaders(resource.origins, origin), now: time }
    if (!resource.origins.allowsHost(host)) {
      return refuse(exchange, PLAIN_REFUSALS.hostForbidden, 'forbidden', 'host_not_allowed')
    }
    if (origin !== undefined && !resource.origins.allowsOrigin(origin)) {
      return refuse(exchange, PLAIN_REFUSALS.hostForbidden, 'forbidden', 'origin_not_allowed')
    }
    if (isPreflight(view)) {
      const headers = { ...exchange.headers, ...preflightHeaders(view) }
      return { kind: 'response', status: 204, headers, body: '' }
    }

    const result = authenticate(view, resource, time)
    const finish = (settled: Authentication): GuardOutcome =>
      settled.kind === 'authenticated'
        ? accept(exchange, resource, settled, options)
        : refuseAuthentication(exchange, resource, settled)
    return result instanceof Promise ? result.then(finish) : finish(result)
  }
}
