import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type {
  AuthorizationServer,
  AuthorizationServerEvent,
  LoginProvider,
} from '@bestviable/mcp-authorization-server'
import type { CodaClient } from './coda/coda-client.js'
import { verifyCodaToken } from './coda/verify-token.js'
import type { AuthorizationServerConfig } from './config/authorization-server.js'
import type { CodaMcpConfig } from './config.js'
import type { SealedDatabase } from './database.js'
import type { Logger } from './logger.js'
import type { Metrics } from './metrics/metrics.js'
import { observeAuthorizationServer } from './metrics/observe-events.js'
import { codaScopes, initialScopes } from './tools/scopes.js'

type Package = typeof import('@bestviable/mcp-authorization-server')

/** Options for {@link startAuthorizationServer}. */
export interface AuthorizationServerSetup {
  readonly config: CodaMcpConfig
  readonly settings: AuthorizationServerConfig
  readonly database: SealedDatabase
  /** Where Coda tokens are kept; people who sign in add theirs. */
  readonly store: TokenStore
  readonly coda: CodaClient
  readonly logger: Logger
  /** Told whether the database answers, as far as a request has shown it. */
  readonly onDatabase: (works: boolean) => void
  readonly metrics: Metrics
}

const codaIssuer = 'https://coda.io'
/** Coda is asked several times when it has a problem. */
const verifyMilliseconds = 9_000

function codaTokenLogin({ apiTokenLogin }: Package, coda: CodaClient) {
  return apiTokenLogin({
    // Names the credential in the store, as the tools ask for it.
    id: 'coda',
    label: 'Coda API token',
    helpUrl: 'https://coda.io/account',
    hint: 'Made under API settings of your Coda account',
    issuer: codaIssuer,
    verify: (token, { signal }) => verifyCodaToken(coda, token, signal),
    timeoutMilliseconds: verifyMilliseconds,
  })
}

function createLogin(
  lib: Package,
  { login }: AuthorizationServerConfig,
  coda: CodaClient,
): LoginProvider {
  switch (login.kind) {
    case 'dev': {
      const { email, name } = login
      return lib.devLogin({ users: [{ subject: 'dev', email, name }] })
    }
    case 'coda':
      return codaTokenLogin(lib, coda)
    case 'google': {
      const { kind: _, ...options } = login
      return lib.google(options)
    }
    case 'microsoft': {
      const { kind: _, listedTenants: __, ...options } = login
      return lib.microsoft(options)
    }
    case 'cognito': {
      const { kind: _, ...options } = login
      return lib.cognito(options)
    }
    case 'oidc': {
      const { kind: _, ...options } = login
      return lib.oidc({ id: 'oidc', label: new URL(login.issuer).host, ...options })
    }
  }
}

/** Writes what happens to the log, by how much the operator has to do about it. */
function createListener({
  logger,
  onDatabase,
  metrics,
}: AuthorizationServerSetup): (event: AuthorizationServerEvent) => void {
  const observe = observeAuthorizationServer(metrics)
  return (told) => {
    observe(told)
    const { time: _time, ...detail } = told
    const { event, outcome, details } = detail
    const sentence = `authorization server: ${event}`
    if (details?.error === 'ERR_STORE_UNAVAILABLE') onDatabase(false)
    if (outcome === 'done') onDatabase(true)
    if (event === 'request.failed') logger.error(detail, sentence)
    else if (event === 'forwarded-headers.ignored') {
      logger.warn(detail, 'a proxy in front is not named in TRUST_PROXY: its users share limits')
    } else if (outcome === 'failed') logger.warn(detail, sentence)
    else logger.info(detail, sentence)
  }
}

/**
 * Starts the authorization server of this process: its issuer is the public URL, its only resource the
 * MCP endpoint.
 *
 * @throws ConfigurationError when it cannot work as it is configured.
 * @throws StoreUnavailableError when the database cannot be reached.
 */
export async function startAuthorizationServer(
  setup: AuthorizationServerSetup,
): Promise<AuthorizationServer> {
  const { config, settings, database, store, coda } = setup
  const { allow, firstAdmin, lifetimes, collectsCodaTokens, login } = settings
  // Loaded here: a server whose people sign in elsewhere needs none of it.
  const lib = await import('@bestviable/mcp-authorization-server')
  const resource = config.readOnly
    ? { scopes: { 'coda.read': codaScopes['coda.read'] } }
    : { scopes: codaScopes, defaultScopes: initialScopes }
  const isEmpty = allow !== undefined && Object.values(allow).every((list) => list.length === 0)
  return await lib.createAuthorizationServer({
    issuer: config.publicUrl,
    database: database.database,
    encryptionKeys: database.encryptionKeys,
    resources: { [config.resource]: resource },
    login: [createLogin(lib, settings, coda)],
    ...(allow === undefined ? {} : { allow: isEmpty ? { invitationsOnly: true } : allow }),
    firstAdmin,
    ...(collectsCodaTokens ? { credentials: store } : {}),
    ...(collectsCodaTokens && login.kind !== 'coda' ? { connect: codaTokenLogin(lib, coda) } : {}),
    lifetimes,
    ...(config.trustProxy === undefined ? {} : { trustProxy: config.trustProxy }),
    brand: { name: 'Coda MCP' },
    onEvent: createListener(setup),
  })
}
