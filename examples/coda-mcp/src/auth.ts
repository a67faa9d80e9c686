import {
  type AuthEvent,
  cloudflareAccess,
  createMcpAuth,
  localBearer,
  type McpAuth,
  oidc,
  type PreparedCredentials,
  stytch,
  type TokenValidator,
} from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { AuthorizationServer } from '@bestviable/mcp-authorization-server'
import type { RequestHandler } from 'express'
import type { CodaMcpConfig } from './config.js'
import { limitRefusals, noteRefusal } from './limits/limit-refusals.js'
import type { RateLimits } from './limits/rate-limits.js'
import type { Logger } from './logger.js'
import type { Metrics } from './metrics/metrics.js'
import { observeGuard } from './metrics/observe-events.js'
import { observeValidator } from './metrics/observe-validator.js'
import { impliedScopes, initialScopes, scopesByTool } from './tools/scopes.js'
import type { CodaTool } from './tools/tool.js'

/** Who may come in and by which handlers that is enforced. */
export interface AuthSetup {
  readonly auth: McpAuth
  /** To be mounted before `/mcp`, in this order. */
  readonly handlers: readonly RequestHandler[]
  /** Names of the ways in, the main one first. */
  readonly providers: readonly string[]
  /** Whether clients can sign in: at an authorization server, or at Access in front of us. */
  readonly oauthCompliant: boolean
  readonly metadataUrls: readonly string[]
}

/** Options for {@link createAuth}. */
export interface AuthSetupOptions {
  readonly config: CodaMcpConfig
  readonly tools: readonly CodaTool[]
  readonly credentials: readonly PreparedCredentials[]
  readonly logger: Logger
  /** Called when a request was refused because the store of credentials did not answer. */
  readonly onStoreOutage: () => void
  readonly metrics: Metrics
  readonly limits: RateLimits
  /** The embedded one, when people sign in here. */
  readonly authorizationServer?: AuthorizationServer | undefined
  /** Digest of the token that a first run has printed. */
  readonly firstRunDigest?: string | undefined
}

/**
 * The validator of the embedded authorization server, which has asked the lists itself, at sign-in and at
 * each refresh. Its tokens carry no address, so that asking again here would refuse everybody.
 */
function ownValidator({ validator }: AuthorizationServer): TokenValidator {
  return {
    ...validator,
    async validate(credential, context) {
      const verdict = await validator.validate(credential, context)
      return verdict.kind === 'accepted'
        ? { ...verdict, principal: { ...verdict.principal, admittedByName: true } }
        : verdict
    },
  }
}

function createValidators({
  config: { waysIn, grantedScopes, readOnly },
  authorizationServer,
  firstRunDigest,
}: AuthSetupOptions): readonly TokenValidator[] {
  const everything = readOnly ? ['coda.read'] : ['coda.write']
  // Whoever set GRANTED_SCOPES has a provider that cannot issue the scopes of this server.
  const granted = grantedScopes === undefined ? {} : { grantScopes: () => grantedScopes }
  const validators: TokenValidator[] = []
  if (authorizationServer !== undefined) validators.push(ownValidator(authorizationServer))
  if (waysIn.stytch !== undefined) {
    validators.push(stytch({ ...waysIn.stytch, ...granted }))
  }
  if (waysIn.oidc !== undefined) {
    validators.push(oidc({ ...waysIn.oidc, ...granted }))
  }
  if (waysIn.cloudflareAccess !== undefined) {
    // Access decides who comes in and knows no scopes.
    const grantScopes = () => grantedScopes ?? everything
    // Behind its OAuth, `Authorization` holds a token that only Access can read.
    validators.push(cloudflareAccess({ ...waysIn.cloudflareAccess, grantScopes, edgeOAuth: true }))
  }
  if (waysIn.bearer !== undefined) validators.push(localBearer(waysIn.bearer))
  if (firstRunDigest !== undefined) {
    validators.push(localBearer({ 'first-run': [{ digest: firstRunDigest, scopes: everything }] }))
  }
  return validators
}

/** Logs what the guard reports: refusals by reason at info, incidents as warnings. */
function createListener({
  logger,
  onStoreOutage,
  metrics,
}: AuthSetupOptions): (event: AuthEvent) => void {
  const observe = observeGuard(metrics)
  return (event) => {
    observe(event)
    noteRefusal(event)
    if (event.reason === 'store_unavailable') onStoreOutage()
    const { type, time: _time, ...detail } = event
    if (type === 'incident') {
      if (event.kind === 'keys-fetched') logger.debug(detail, 'keys fetched')
      else logger.warn(detail, event.message ?? event.reason)
    } else if (event.outcome === 'accepted') logger.debug(detail, 'caller accepted')
    else logger.info(detail, 'caller refused')
  }
}

/** Builds the guard from the configuration. Every list of `ALLOWED_…` applies to every way in. */
export function createAuth(options: AuthSetupOptions): AuthSetup {
  const { config, tools, credentials, authorizationServer, metrics, limits } = options
  const { allow } = config
  const validators = createValidators(options).map((each) => observeValidator(each, metrics))
  const issuers = validators.flatMap(({ authorizationServers }) => authorizationServers)
  const restricts = allow.emails.length + allow.domains.length + allow.tenants.length > 0

  const auth = createMcpAuth({
    resource: config.resource,
    localPath: '/mcp',
    validators,
    ...(issuers.length > 1 ? { authorizationServers: issuers } : {}),
    ...(restricts ? { allow } : {}),
    scopes: {
      required: ['coda.read'],
      // Several clients cannot ask for more later, so the first challenge names what most tools need.
      initial: config.readOnly ? ['coda.read'] : initialScopes,
      tools: scopesByTool(tools),
      otherTools: ['coda.write'],
      implies: impliedScopes,
    },
    resourceName: 'Coda',
    // Operators of this server look for these two by name.
    challenge: { realm: 'MCP Server', resourceMetadataUri: true },
    ...(config.allowedOrigins === undefined ? {} : { allowedOrigins: config.allowedOrigins }),
    credentials,
    onEvent: createListener(options),
  })
  const guard: RequestHandler = mcpAuth(limitRefusals(auth, limits))
  return {
    auth,
    // First, so that it answers its own paths, which the guard would refuse.
    handlers: authorizationServer === undefined ? [guard] : [authorizationServer.router, guard],
    providers: validators.map(({ name }) => name),
    oauthCompliant: issuers.length > 0 || config.waysIn.cloudflareAccess !== undefined,
    metadataUrls: [
      ...auth.resources.flatMap(({ metadataUrl }) => metadataUrl ?? []),
      ...(authorizationServer === undefined
        ? []
        : [`${config.publicUrl}/.well-known/oauth-authorization-server`]),
    ],
  }
}
