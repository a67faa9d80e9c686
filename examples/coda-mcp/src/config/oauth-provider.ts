import type { ConfigProblem } from './raw-environment.js'
import type { Environment } from './variables.js'

/** The client that is registered at a provider. */
interface ProviderClient {
  readonly clientId: string
  readonly clientSecret: string
}

/** How people sign in at the embedded authorization server. */
export type LoginConfig =
  /** Everybody on this machine, without proof. */
  | { readonly kind: 'dev'; readonly email: string; readonly name: string }
  /** By pasting their Coda token. */
  | { readonly kind: 'coda' }
  | (ProviderClient & { readonly kind: 'google' })
  | (ProviderClient & {
      readonly kind: 'microsoft'
      /** Directories whose people may sign in. */
      readonly tenants: readonly string[]
      /** Those of them all of whose people are let in. */
      readonly listedTenants: readonly string[]
    })
  | (ProviderClient & {
      readonly kind: 'cognito'
      readonly region: string
      readonly userPoolId: string
    })
  | (ProviderClient & {
      readonly kind: 'oidc'
      readonly issuer: string
      readonly scopes: readonly string[] | undefined
      readonly authorizationEndpoint: string | undefined
      readonly tokenEndpoint: string | undefined
      readonly userinfoEndpoint: string | undefined
    })

const googleIssuer = 'https://accounts.google.com'
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const microsoftIssuer = /^https:\/\/login\.microsoftonline\.com\/([^/]+)\/v2\.0\/?$/
const cognitoIssuer =
  /^https:\/\/cognito-idp\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?\/(\1_[A-Za-z0-9]{1,55})$/
const usualScopes = ['openid', 'email', 'profile']

/** Reports what only a general OpenID provider can be told. */
function checkOverrides(env: Environment, problems: ConfigProblem[]): void {
  const { OAUTH_PROVIDER: provider, OAUTH_SCOPES: scopes = [] } = env
  for (const variable of ['OAUTH_AUTH_URL', 'OAUTH_TOKEN_URL', 'OAUTH_USERINFO_URL'] as const) {
    if (env[variable] === undefined) continue
    const message = `works only with OAUTH_PROVIDER=oidc: ${provider} publishes its own; remove it`
    problems.push({ variable, message })
  }
  if (scopes.some((scope) => !usualScopes.includes(scope))) {
    const message = `can name openid, email and profile only, unless OAUTH_PROVIDER=oidc`
    problems.push({ variable: 'OAUTH_SCOPES', message })
  }
}

function readMicrosoft(
  env: Environment,
  client: ProviderClient,
  problems: ConfigProblem[],
): LoginConfig | undefined {
  // Other ways in have organisations of another form in the same list.
  const listedTenants = (env.ALLOWED_TENANTS ?? []).filter((tenant) => guid.test(tenant))
  const kind = 'microsoft'
  if (env.OAUTH_ISSUER !== undefined) {
    const tenant = microsoftIssuer.exec(env.OAUTH_ISSUER)?.[1]
    if (tenant !== undefined && guid.test(tenant)) {
      return { kind, ...client, tenants: [tenant], listedTenants }
    }
    const message =
      'must be https://login.microsoftonline.com/<directory id>/v2.0 for microsoft, or left out where ALLOWED_TENANTS lists directories'
    problems.push({ variable: 'OAUTH_ISSUER', message })
    return undefined
  }
  if (listedTenants.length > 0) return { kind, ...client, tenants: listedTenants, listedTenants }
  const message =
    'is missing: set it to https://login.microsoftonline.com/<directory id>/v2.0, or list directory ids in ALLOWED_TENANTS; there is no way to accept every directory'
  problems.push({ variable: 'OAUTH_ISSUER', message })
  return undefined
}

function readCognito(
  env: Environment,
  client: ProviderClient,
  problems: ConfigProblem[],
): LoginConfig | undefined {
  const [, region, userPoolId] = cognitoIssuer.exec(env.OAUTH_ISSUER ?? '') ?? []
  if (region !== undefined && userPoolId !== undefined) {
    return { kind: 'cognito', ...client, region, userPoolId }
  }
  const form = 'https://cognito-idp.<region>.amazonaws.com/<user pool id>'
  const message =
    env.OAUTH_ISSUER === undefined
      ? `is missing: for cognito it is ${form}`
      : `must be ${form} for cognito`
  problems.push({ variable: 'OAUTH_ISSUER', message })
  return undefined
}

function readOidc(
  env: Environment,
  client: ProviderClient,
  problems: ConfigProblem[],
): LoginConfig | undefined {
  const { OAUTH_ISSUER: issuer } = env
  if (issuer === undefined) {
    const message = 'is missing: OAUTH_PROVIDER=oidc works only with it'
    problems.push({ variable: 'OAUTH_ISSUER', message })
    return undefined
  }
  return {
    kind: 'oidc',
    ...client,
    issuer,
    scopes: env.OAUTH_SCOPES,
    authorizationEndpoint: env.OAUTH_AUTH_URL,
    tokenEndpoint: env.OAUTH_TOKEN_URL,
    userinfoEndpoint: env.OAUTH_USERINFO_URL,
  }
}

/** Reads the provider at which people sign in, and reports what it lacks. */
export function readProvider(env: Environment, problems: ConfigProblem[]): LoginConfig | undefined {
  const { OAUTH_PROVIDER: provider, OAUTH_CLIENT_ID: clientId } = env
  const { OAUTH_CLIENT_SECRET: clientSecret } = env
  if (provider !== 'oidc') checkOverrides(env, problems)
  // What is missing is reported with the other half-set ways in.
  const client = { clientId: clientId ?? '', clientSecret: clientSecret ?? '' }
  switch (provider) {
    case 'microsoft':
      return readMicrosoft(env, client, problems)
    case 'cognito':
      return readCognito(env, client, problems)
    case 'oidc':
      return readOidc(env, client, problems)
    default:
      break
  }
  if (env.OAUTH_ISSUER !== undefined && env.OAUTH_ISSUER !== googleIssuer) {
    const message = `must be ${googleIssuer} for google, or left out`
    problems.push({ variable: 'OAUTH_ISSUER', message })
  }
  return { kind: 'google', ...client }
}
