import {
  type AuthEvent,
  cloudflareAccess,
  createMcpAuth,
  jwt,
  localBearer,
  type McpAuth,
  oidc,
  type PreparedCredentials,
  stytch,
  type TokenValidator,
} from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import type { RequestHandler } from 'express'
import type { CodaMcpConfig } from './config.js'
import type { Logger } from './logger.js'
import { codaScopes, impliedScopes, scopesByTool } from './tools/scopes.js'
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
  /** Issuer of a first run on this machine. */
  readonly firstRunIssuer?: TestIssuer | undefined
}

function createValidators(
  { waysIn, grantedScopes, resource, readOnly }: CodaMcpConfig,
  firstRunIssuer: TestIssuer | undefined,
): readonly TokenValidator[] {
  const everything = readOnly ? ['coda.read'] : ['coda.write']
  // Whoever set GRANTED_SCOPES has a provider that cannot issue the scopes of this server.
  const granted = grantedScopes === undefined ? {} : { grantScopes: () => grantedScopes }
  const validators: TokenValidator[] = []
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
  if (firstRunIssuer !== undefined) {
    const { issuer, jwksUri } = firstRunIssuer
    validators.push(jwt({ name: 'first-run', issuer, jwksUri, audience: resource }))
  }
  return validators
}

/** Logs what the guard reports: refusals by reason at info, incidents as warnings. */
function createListener({ logger, onStoreOutage }: AuthSetupOptions): (event: AuthEvent) => void {
  return (event) => {
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
  const { config, tools, credentials, firstRunIssuer } = options
  const { allow } = config
  const validators = createValidators(config, firstRunIssuer)
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
      // Several clients cannot ask for more later, so the first challenge names all there is.
      initial: config.readOnly ? ['coda.read'] : Object.keys(codaScopes),
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
  const guard: RequestHandler = mcpAuth(auth)
  return {
    auth,
    handlers: firstRunIssuer === undefined ? [guard] : [firstRunIssuer.handler, guard],
    providers: validators.map(({ name }) => name),
    oauthCompliant: issuers.length > 0 || config.waysIn.cloudflareAccess !== undefined,
    metadataUrls: auth.resources.flatMap(({ metadataUrl }) => metadataUrl ?? []),
  }
}
