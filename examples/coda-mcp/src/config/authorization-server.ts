import type { Exposure } from './exposure.js'
import { type LoginConfig, readProvider } from './oauth-provider.js'
import type { ConfigProblem } from './raw-environment.js'
import type { Environment } from './variables.js'

/** The embedded authorization server, when it is used. */
export interface AuthorizationServerConfig {
  /** How people sign in. */
  readonly login: LoginConfig
  /** Whom it lets in. Absent: everybody, by the development sign-in. */
  readonly allow:
    | {
        readonly emails: readonly string[]
        readonly domains: readonly string[]
        readonly tenants: readonly string[]
      }
    | undefined
  /** Whether people paste their Coda token, when they sign in or right after. */
  readonly collectsCodaTokens: boolean
  readonly firstAdmin: { readonly email: string; readonly name: string | undefined } | undefined
  /** In seconds. */
  readonly lifetimes: { readonly accessToken: number; readonly refreshToken: number }
}

const developer = { email: 'dev@example.com', name: 'Developer' }

/**
 * Whether people sign in by pasting their Coda token: each has one of their own, addresses are listed,
 * and nothing else could tell who somebody is. With fixed tokens beside it, only where it can work, since
 * those were a way in by themselves before.
 */
export function signsInByCodaToken(env: Environment): boolean {
  const others = [env.OAUTH_PROVIDER, env.CF_ACCESS_AUD, env.STYTCH_PROJECT_ID, env.OIDC_ISSUER]
  return (
    env.CODA_CREDENTIALS === 'user' &&
    env.ALLOWED_EMAILS !== undefined &&
    others.every((other) => other === undefined) &&
    (env.MCP_BEARER_TOKENS === undefined || env.TOKEN_STORE !== 'env')
  )
}

function readLogin(
  env: Environment,
  firstRun: boolean,
  problems: ConfigProblem[],
): LoginConfig | undefined {
  if (env.OAUTH_PROVIDER !== undefined) return readProvider(env, problems)
  if (signsInByCodaToken(env)) {
    if (env.TOKEN_STORE === 'env') {
      const message =
        'must be postgres or infisical: people sign in by pasting their Coda tokens, which have to be kept'
      problems.push({ variable: 'TOKEN_STORE', message })
    }
    return { kind: 'coda' }
  }
  if (!firstRun) return undefined
  const { DEFAULT_ADMIN_EMAIL: email = developer.email } = env
  return { kind: 'dev', email, name: env.DEFAULT_ADMIN_NAME ?? developer.name }
}

function readAllow(
  env: Environment,
  login: Pick<LoginConfig, 'kind'> & { readonly listedTenants?: readonly string[] },
  problems: ConfigProblem[],
): AuthorizationServerConfig['allow'] {
  if (login.kind === 'dev') return undefined
  const emails = env.ALLOWED_EMAILS ?? []
  // A pasted token proves an account, not that its domain stands behind it.
  const domains = login.kind === 'coda' ? [] : (env.ALLOWED_DOMAINS ?? [])
  const tenants = login.listedTenants ?? []
  const isEmpty = emails.length + domains.length + tenants.length === 0
  if (isEmpty && env.DEFAULT_ADMIN_EMAIL === undefined) {
    const message =
      'is missing: the embedded authorization server has to know whom to let in. Set ALLOWED_EMAILS or ALLOWED_DOMAINS, for microsoft also ALLOWED_TENANTS, or DEFAULT_ADMIN_EMAIL, who invites others'
    problems.push({ variable: 'ALLOWED_EMAILS', message })
  }
  return { emails, domains, tenants }
}

function readFirstAdmin(
  env: Environment,
  login: LoginConfig,
): AuthorizationServerConfig['firstAdmin'] {
  // Whoever tries the server out on this machine sees all of it.
  if (login.kind === 'dev') return { email: login.email, name: login.name }
  const { DEFAULT_ADMIN_EMAIL: email, DEFAULT_ADMIN_NAME: name } = env
  return email === undefined ? undefined : { email, name }
}

/** Reads whether and how the authorization server is embedded, and reports everything that it lacks. */
export function readAuthorizationServer(
  env: Environment,
  options: { readonly exposure: Exposure; readonly firstRun: boolean },
  problems: ConfigProblem[],
): AuthorizationServerConfig | undefined {
  if (env.DEFAULT_ADMIN_NAME !== undefined && env.DEFAULT_ADMIN_EMAIL === undefined) {
    const message = 'is missing: DEFAULT_ADMIN_NAME works only with it'
    problems.push({ variable: 'DEFAULT_ADMIN_EMAIL', message })
  }
  const { exposure, firstRun } = options
  const login = readLogin(env, firstRun, problems)
  if (login === undefined && env.OAUTH_PROVIDER === undefined) return undefined
  const { publicUrl } = exposure
  if (!firstRun && new URL(publicUrl).origin !== publicUrl) {
    const message =
      'must be an origin in lower case, without a path: the embedded authorization server has well-known paths'
    problems.push({ variable: 'PUBLIC_URL', message })
  }
  const kind = login?.kind ?? env.OAUTH_PROVIDER
  const allow = kind === undefined ? undefined : readAllow(env, login ?? { kind }, problems)
  if (login === undefined) return undefined
  return {
    login,
    allow,
    collectsCodaTokens: env.CODA_CREDENTIALS === 'user' && env.TOKEN_STORE !== 'env',
    firstAdmin: readFirstAdmin(env, login),
    lifetimes: {
      accessToken: env.ACCESS_TOKEN_LIFETIME,
      refreshToken: env.REFRESH_TOKEN_LIFETIME,
    },
  }
}

/** Sentences about variables that are set and do less than they seem to. */
export function findUnusedSignInVariables(
  env: Environment,
  authorizationServer: AuthorizationServerConfig | undefined,
): string[] {
  const kind = authorizationServer?.login.kind
  const warnings: string[] = []
  if (kind === undefined && env.DEFAULT_ADMIN_EMAIL !== undefined) {
    warnings.push(
      'DEFAULT_ADMIN_EMAIL is set and not used: without OAUTH_PROVIDER there are no accounts to administer.',
    )
  }
  const lists = [env.ALLOWED_EMAILS, env.ALLOWED_DOMAINS, env.ALLOWED_TENANTS]
  if (kind === 'dev' && lists.some((list) => list !== undefined)) {
    warnings.push(
      'the development sign-in lets everybody on this machine in, whatever ALLOWED_EMAILS, ALLOWED_DOMAINS and ALLOWED_TENANTS say.',
    )
  }
  if (kind === 'coda' && env.ALLOWED_DOMAINS !== undefined) {
    warnings.push(
      'ALLOWED_DOMAINS lets nobody in by a Coda token, which proves an account and not a domain: list addresses in ALLOWED_EMAILS.',
    )
  }
  return warnings
}
