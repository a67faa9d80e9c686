import { emit } from './events.js'
import { createFetch, type FetchHandler } from './fetch.js'
import type { McpAuthOptions } from './mcp-auth-options.js'
import {
  checkMcpAuthOptions,
  namedResources,
  sharedResourceOptions,
} from './mcp-auth-options-check.js'
import {
  type AuthorizationServerMirror,
  createAuthorizationServerMirror,
} from './metadata/authorization-server-mirror.js'
import { createWellKnown } from './metadata/well-known.js'
import type { Principal } from './principal.js'
import { createAllowList } from './resource-server/allow-list.js'
import { principalOf } from './resource-server/auth-info.js'
import { createAuthenticate } from './resource-server/authenticate.js'
import { createGuard, type Guard, type GuardOutcome } from './resource-server/guard.js'
import {
  createMessageBudget,
  DEFAULT_MESSAGE_BYTES,
  type MessageBudget,
} from './resource-server/message-budget.js'
import { normalizeHost } from './resource-server/origin.js'
import {
  createResourceSelection,
  type ProtectedResource,
} from './resource-server/protected-resource.js'
import { pathOf, type RequestView } from './resource-server/request-view.js'
import { buildResources } from './resource-server/resource-options.js'
import type { ResponseOutcome } from './resource-server/responses.js'
import { createValidatorSelection } from './resource-server/select-validator.js'
import { createSessionIds } from './resource-server/session-id.js'
import { emitWarning } from './runtime.js'
import type { TokenValidator, ValidatorIncident } from './validators/validator.js'

/** The request is not this package's business: a public path. */
export interface PassOutcome {
  readonly kind: 'pass'
}

/** Description of one resource, for start logs and health output. */
export interface ResourceDescription {
  readonly resource: string
  /** Absent when no authorization server is advertised. */
  readonly metadataUrl: string | undefined
  readonly authorizationServers: readonly string[]
  readonly scopesRequired: readonly string[]
}

/** One way in, for start logs and health output. */
export type ValidatorDescription = Pick<
  TokenValidator,
  'name' | 'authorizationServers' | 'scopeSource' | 'resourceBinding'
>

/**
 * A resource server without a web framework. `./express` and {@link McpAuth.fetch} are thin adapters
 * around it; an adapter for another framework needs nothing else.
 */
export interface McpAuth {
  /** What is protected, as it was understood. */
  readonly resources: readonly ResourceDescription[]
  /** Who is asked about a caller, in this order. */
  readonly validators: readonly ValidatorDescription[]
  /** Longest JSON-RPC body that an adapter reads, in bytes. */
  readonly maxMessageBytes: number
  /** Where an adapter takes room for a body before it reads it. */
  readonly messageBudget: MessageBudget
  /** The whole rule: metadata documents, public paths, then the guard for every other request. */
  handle(view: RequestView): GuardOutcome | PassOutcome | Promise<GuardOutcome | PassOutcome>
  /** Metadata documents only; `undefined` for every other request. */
  metadata(view: RequestView): ResponseOutcome | Promise<ResponseOutcome> | undefined
  /** The guard only. */
  readonly guard: Guard
  /**
   * Web-standard adapter: answers, or calls the handler with the request and the verified caller
   * (`undefined` on public paths).
   */
  fetch(request: Request, handler: FetchHandler): Promise<Response>
  /**
   * Session ids for the SDK's `sessionIdGenerator`, bound to the caller of this request: another
   * user who presents one gets 404, on any replica that has the same `sessionKey`.
   *
   * @throws TypeError when the request did not pass the guard.
   */
  sessionIds(request: object): () => string
  /** Whether a caller whose stream is open may still be served. */
  isActive(principal: Principal): boolean
}

function rootResourceOf(
  options: McpAuthOptions,
  resources: readonly ProtectedResource[],
): (host: string | undefined) => ProtectedResource | undefined {
  const [only] = resources
  if (resources.length === 1) return () => only
  const root = resources.find(({ id }) => id === options.rootMetadata)
  return (host) => {
    const onHost = resources.filter(({ url }) => url.host === normalizeHost(host, url.protocol))
    return onHost.length === 1 ? onHost[0] : root
  }
}

/**
 * Creates a resource server from validators and rules.
 *
 * Everything is checked at once, and nothing is fetched before the first request.
 *
 * @example
 * ```ts
 * const auth = createMcpAuth({
 *   resource: 'https://mcp.example.com/mcp',
 *   validators: [oidc({ issuer: 'https://login.example.com' })],
 *   scopes: { required: ['mcp.use'] },
 * })
 * ```
 *
 * @throws {@link ConfigurationError} that lists every bad option.
 * @see RFC 9728, RFC 6750, MCP authorization specification 2026-07-28
 */
export function createMcpAuth(options: McpAuthOptions): McpAuth {
  checkMcpAuthOptions('createMcpAuth', options)
  const { validators, onEvent, now = Date.now, credentials = [] } = options
  const resources = buildResources(namedResources(options), sharedResourceOptions(options))
  const report = (incident: ValidatorIncident): void => {
    if (onEvent !== undefined) emit(onEvent, { type: 'incident', time: now(), ...incident })
    else if (incident.kind !== 'keys-fetched') {
      emitWarning(
        `${incident.validator}: ${incident.message ?? incident.reason}`,
        `MCP_AUTH_${incident.kind.toUpperCase().replaceAll('-', '_')}`,
      )
    }
  }
  for (const validator of validators) {
    validator.attach?.({ resources: resources.map(({ id }) => id), report })
  }

  const vouchedBy = new WeakMap<Principal, TokenValidator>()
  const authenticate = createAuthenticate({
    validators,
    select: createValidatorSelection(validators),
    allows: options.allow === undefined ? undefined : createAllowList(options.allow),
    revocation: options.revocation,
    dpop: options.dpop,
    onVerified: (principal, validator) => vouchedBy.set(principal, validator),
  })
  const sessionIds = createSessionIds(options.sessionKey)
  const guard = createGuard({
    authenticate,
    selectResource: createResourceSelection(resources),
    resources,
    sessionIds,
    credentials,
    dpop: options.dpop,
    validatorsAtEdge: validators.filter(({ challengesAtEdge }) => challengesAtEdge === true),
    onEvent,
    now,
  })
  const issuers = new Set(resources.flatMap(({ authorizationServers }) => authorizationServers))
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const createMirror = (issuer: string): AuthorizationServerMirror =>
    createAuthorizationServerMirror({
      issuer,
      fetch,
      onUnavailable: () =>
        report({
          kind: 'warning',
          validator: 'metadata',
          issuer,
          reason: 'authorization_server_metadata_unavailable',
          message: `the metadata of ${JSON.stringify(issuer)} could not be read, or names another issuer`,
        }),
    })
  const wellKnown = createWellKnown({
    resources,
    rootResource: rootResourceOf(options, resources),
    mirrors: new Map(
      options.mirrorAuthorizationServer === false
        ? []
        : [...issuers].map((issuer) => [issuer, createMirror(issuer)]),
    ),
  })
  const { maxMessageBytes = DEFAULT_MESSAGE_BYTES, maxMessageBytesAtOnce } = options
  const messageBudget = createMessageBudget({ maxMessageBytes, maxMessageBytesAtOnce })
  const publicPaths = new Set(options.publicPaths)
  const pass: PassOutcome = { kind: 'pass' }

  const metadata: McpAuth['metadata'] = (view) => wellKnown(view, now())
  const handle: McpAuth['handle'] = (view) => {
    if (publicPaths.has(pathOf(view.target))) return pass
    return metadata(view) ?? guard(view)
  }
  const isActive = (principal: Principal): boolean => {
    const time = now()
    if (principal.expiresAt !== undefined && !(principal.expiresAt * 1000 > time)) return false
    const revoked = options.revocation?.check(principal) ?? 'active'
    if (revoked !== 'active' && revoked !== 'unavailable') return false
    const verdict = vouchedBy.get(principal)?.recheck?.(principal, time)
    // A source that cannot tell does not end what it once allowed.
    return verdict?.kind !== 'rejected' && verdict?.kind !== 'forbidden'
  }

  return {
    resources: resources.map(({ id, metadataUrl, authorizationServers, policy }) => ({
      resource: id,
      metadataUrl,
      authorizationServers,
      scopesRequired: policy.required,
    })),
    validators: validators.map(({ name, authorizationServers, scopeSource, resourceBinding }) => ({
      name,
      authorizationServers,
      scopeSource,
      resourceBinding,
    })),
    maxMessageBytes,
    messageBudget,
    handle,
    metadata,
    guard,
    fetch: createFetch({
      handle,
      isActive,
      maxMessageBytes,
      messageBudget,
      now,
    }),
    sessionIds(request) {
      const principal = principalOf(
        Reflect.get(request, 'auth') as Parameters<typeof principalOf>[0],
      )
      if (principal === undefined) {
        throw new TypeError('sessionIds needs a request that passed the guard')
      }
      return () => sessionIds.create(principal)
    },
    isActive,
  }
}
