import { type BearerToken, isLoopbackHost, type TrustProxy } from './config/formats.js'
import {
  type ConfigProblem,
  collectVariables,
  findUnusableVariables,
  type RawEnvironment,
  type ReadFile,
  readFileOfDisk,
  readVariable,
} from './config/raw-environment.js'
import { findUnusedStoreVariables, readStores, type StoreConfig } from './config/stores.js'
import { Environment } from './config/variables.js'
import type { CodaScope } from './tools/scopes.js'

/** The variables cannot be used. Lists every problem; values are never repeated. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ variable, message }) => `  ${variable} ${message}`)
    super(`the configuration cannot be used\n${lines.join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The ways in that are configured; each is there when all of its variables are set. */
interface WaysIn {
  readonly cloudflareAccess?: {
    /** Team name, without `.cloudflareaccess.com`. */
    readonly team: string
    readonly audience: readonly string[]
    readonly serviceTokens: readonly string[]
  }
  readonly stytch?: { readonly projectId: string; readonly domain: string }
  readonly oidc?: { readonly issuer: string; readonly audience: readonly string[] }
  /** In the form that `localBearer` takes. */
  readonly bearer?: Readonly<Record<string, readonly BearerToken[]>>
}

/** Configuration of the server. Made by {@link readConfig} only. */
export interface CodaMcpConfig {
  readonly port: number
  readonly host: string
  readonly nodeEnv: Environment['NODE_ENV']
  readonly logLevel: Environment['LOG_LEVEL']
  readonly dataDir: string
  /** Where clients reach this server, without a slash at the end. */
  readonly publicUrl: string
  /** The connector URL and resource identifier: `publicUrl` and `/mcp`. */
  readonly resource: string
  readonly trustProxy: TrustProxy | undefined
  /** Replaces the default origin rule when set. */
  readonly allowedOrigins: readonly string[] | undefined
  readonly drainSeconds: number
  readonly readOnly: boolean
  readonly coda: {
    readonly apiToken: string | undefined
    readonly baseUrl: string
    readonly credentials: 'service' | 'user'
  }
  readonly store: StoreConfig
  readonly waysIn: WaysIn
  readonly allow: {
    readonly emails: readonly string[]
    readonly domains: readonly string[]
    readonly tenants: readonly string[]
  }
  /** Replaces the scopes of every caller whose provider cannot issue them. */
  readonly grantedScopes: readonly CodaScope[] | undefined
  /** Nothing is configured and nobody else can reach the server. */
  readonly firstRun: boolean
  /** A first run without any Coda account serves sample docs. */
  readonly sampleCoda: boolean
  /** Sentences to log at start. */
  readonly warnings: readonly string[]
}

const waysInVariables: readonly (readonly (keyof Environment)[])[] = [
  ['CF_ACCESS_TEAM_DOMAIN', 'CF_ACCESS_AUD'],
  ['STYTCH_PROJECT_ID', 'STYTCH_DOMAIN'],
  ['OIDC_ISSUER', 'OIDC_AUDIENCE'],
  ['MCP_BEARER_TOKENS'],
]

function checkWaysIn(values: Readonly<Record<string, string>>, problems: ConfigProblem[]): void {
  for (const group of waysInVariables) {
    const present = group.filter((name) => values[name] !== undefined)
    if (present.length === 0) continue
    for (const variable of group) {
      if (values[variable] !== undefined) continue
      problems.push({ variable, message: `is missing: ${present.join(', ')} works only with it` })
    }
  }
  if (
    values.CF_ACCESS_SERVICE_TOKENS !== undefined &&
    values.CF_ACCESS_TEAM_DOMAIN === undefined &&
    values.CF_ACCESS_AUD === undefined
  ) {
    const message = 'works only with CF_ACCESS_TEAM_DOMAIN and CF_ACCESS_AUD'
    problems.push({ variable: 'CF_ACCESS_SERVICE_TOKENS', message })
  }
}

/** The URL of a server on this machine, with the name that people use for the usual addresses. */
function localUrl(host: string, port: number): string {
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : host
  // The origin leaves out port 80, as clients do.
  return new URL(`http://${name}:${port}`).origin
}

function checkExposure(env: Environment, problems: ConfigProblem[]): { firstRun: boolean } {
  const publicUrl = env.PUBLIC_URL ?? env.OAUTH_SERVER_URL
  if (
    env.PUBLIC_URL !== undefined &&
    env.OAUTH_SERVER_URL !== undefined &&
    env.PUBLIC_URL !== env.OAUTH_SERVER_URL
  ) {
    const message = 'differs from PUBLIC_URL; remove one of the two'
    problems.push({ variable: 'OAUTH_SERVER_URL', message })
  }
  const loopback =
    isLoopbackHost(env.HOST) &&
    (publicUrl === undefined || isLoopbackHost(new URL(publicUrl).hostname))
  const hasWayIn = waysInVariables.some((group) => group.every((name) => env[name] !== undefined))
  if (publicUrl === undefined && !isLoopbackHost(env.HOST)) {
    const message = 'is missing: off loopback it must say where clients reach the server'
    problems.push({ variable: 'PUBLIC_URL', message })
  }
  if (!hasWayIn && !loopback) {
    const choices = waysInVariables.map((group) => group.join(' and ')).join('; or ')
    problems.push({
      variable: '(way in)',
      message: `is missing: off loopback callers must be known. Set ${choices}`,
    })
  }
  const firstRun = !hasWayIn && loopback
  const { protocol, hostname } = new URL(publicUrl ?? localUrl(env.HOST, env.PORT))
  if (firstRun && !(protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname))) {
    const variable = publicUrl === undefined ? 'HOST' : 'PUBLIC_URL'
    const message =
      'must be on http://localhost or http://127.0.0.1 while no way in is configured: the built-in issuer signs in everybody'
    problems.push({ variable, message })
  }
  if (
    env.CODA_API_TOKEN === undefined &&
    env.CODA_CREDENTIALS === 'service' &&
    env.TOKEN_STORE === 'env' &&
    !firstRun
  ) {
    const message = 'is missing: set it or CODA_API_TOKEN_FILE; coda.io/account makes one'
    problems.push({ variable: 'CODA_API_TOKEN', message })
  }
  return { firstRun }
}

function readWaysIn(env: Environment): WaysIn {
  const { CF_ACCESS_TEAM_DOMAIN: team, CF_ACCESS_AUD: audience } = env
  return {
    ...(team !== undefined && audience !== undefined
      ? {
          cloudflareAccess: { team, audience, serviceTokens: env.CF_ACCESS_SERVICE_TOKENS ?? [] },
        }
      : {}),
    ...(env.STYTCH_PROJECT_ID !== undefined && env.STYTCH_DOMAIN !== undefined
      ? { stytch: { projectId: env.STYTCH_PROJECT_ID, domain: env.STYTCH_DOMAIN } }
      : {}),
    ...(env.OIDC_ISSUER !== undefined && env.OIDC_AUDIENCE !== undefined
      ? { oidc: { issuer: env.OIDC_ISSUER, audience: env.OIDC_AUDIENCE } }
      : {}),
    ...(env.MCP_BEARER_TOKENS === undefined ? {} : { bearer: env.MCP_BEARER_TOKENS }),
  }
}

/** Stytch puts no address into its tokens, so lists of addresses refuse all who come in by it. */
function findUselessLists(env: Environment): string[] {
  const lists = [env.ALLOWED_EMAILS, env.ALLOWED_DOMAINS]
  const onlyAddresses =
    env.ALLOWED_TENANTS === undefined && lists.some((entries) => entries !== undefined)
  if (env.STYTCH_PROJECT_ID === undefined || !onlyAddresses) return []
  return [
    'nobody can come in by Stytch: its tokens carry no address, and only ALLOWED_EMAILS or ALLOWED_DOMAINS say who may call. Set ALLOWED_TENANTS to ids of Stytch organisations.',
  ]
}

function findUnusedSecrets(env: RawEnvironment): string[] {
  const unused = ['JWT_SECRET', 'STYTCH_SECRET'].filter(
    (name) => readVariable(env, name) !== undefined,
  )
  if (unused.length === 0) return []
  return [
    `${unused.join(' and ')} ${unused.length === 1 ? 'is' : 'are'} set and not used: tokens are verified with published keys, and what seals stored credentials is MCP_AUTH_ENCRYPTION_KEYS. Remove it.`,
  ]
}

/**
 * Reads the configuration of the server from environment variables.
 *
 * An empty variable counts as unset. `NAME_FILE` names a file with the value, where the table in the
 * README says so. Without any way in the server starts on loopback only (`firstRun`).
 *
 * @throws {@link ConfigError} listing every problem at once, without values.
 */
export function readConfig(
  env: RawEnvironment,
  readFile: ReadFile = readFileOfDisk,
): CodaMcpConfig {
  const problems = findUnusableVariables(env)
  const values = collectVariables(env, readFile, problems)
  const parsed = Environment.safeParse(values)
  for (const { path, message } of parsed.error?.issues ?? []) {
    problems.push({ variable: String(path[0]), message })
  }
  checkWaysIn(values, problems)
  if (!parsed.success) throw new ConfigError(problems)

  const { data } = parsed
  const store = readStores(data, problems)
  const { firstRun } = checkExposure(data, problems)
  if (problems.length > 0) throw new ConfigError(problems)

  const publicUrl = data.PUBLIC_URL ?? data.OAUTH_SERVER_URL ?? localUrl(data.HOST, data.PORT)
  return {
    port: data.PORT,
    host: data.HOST,
    nodeEnv: data.NODE_ENV,
    logLevel: data.LOG_LEVEL,
    dataDir: data.DATA_DIR,
    publicUrl,
    resource: `${publicUrl}/mcp`,
    trustProxy: data.TRUST_PROXY,
    allowedOrigins: data.ALLOWED_ORIGINS,
    drainSeconds: data.DRAIN_SECONDS,
    readOnly: data.READ_ONLY,
    coda: {
      apiToken: data.CODA_API_TOKEN,
      baseUrl: data.CODA_API_BASE_URL,
      credentials: data.CODA_CREDENTIALS,
    },
    store,
    waysIn: readWaysIn(data),
    allow: {
      emails: data.ALLOWED_EMAILS ?? [],
      domains: data.ALLOWED_DOMAINS ?? [],
      tenants: data.ALLOWED_TENANTS ?? [],
    },
    grantedScopes: data.GRANTED_SCOPES,
    firstRun,
    sampleCoda:
      firstRun &&
      store.kind === 'env' &&
      data.CODA_API_TOKEN === undefined &&
      data.CODA_CREDENTIALS === 'service',
    warnings: [
      ...findUnusedSecrets(env),
      ...findUselessLists(data),
      ...findUnusedStoreVariables(data, store),
    ],
  }
}
