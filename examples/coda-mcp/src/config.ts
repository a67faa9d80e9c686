import {
  type AuthorizationServerConfig,
  findUnusedSignInVariables,
  readAuthorizationServer,
  signsInByCodaToken,
} from './config/authorization-server.js'
import { type DatabaseConfig, findUnusedDatabase, readDatabase } from './config/database.js'
import { checkFirstRun, readExposure } from './config/exposure.js'
import type { TrustProxy } from './config/formats.js'
import {
  type ConfigProblem,
  collectVariables,
  findUnusableVariables,
  type RawEnvironment,
  type ReadFile,
  readFileOfDisk,
  readVariable,
} from './config/raw-environment.js'
import {
  findUnusedStoreVariables,
  readStores,
  type StoreConfig,
  usesPostgres,
} from './config/stores.js'
import { Environment } from './config/variables.js'
import { checkWaysIn, hasWayIn, readWaysIn, type WaysIn, waysInChoices } from './config/ways-in.js'
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
  /** Within a minute; 0 is no limit. */
  readonly limits: { readonly requests: number; readonly refusals: number }
  /** Port of the metrics; 0 is off. */
  readonly metricsPort: number
  readonly metricsHost: string
  readonly drainSeconds: number
  readonly readOnly: boolean
  readonly coda: {
    readonly apiToken: string | undefined
    readonly baseUrl: string
    readonly credentials: 'service' | 'user'
  }
  readonly store: StoreConfig
  /** Set when anything needs a database. */
  readonly database: DatabaseConfig | undefined
  /** Set when people sign in at this server itself. */
  readonly authorizationServer: AuthorizationServerConfig | undefined
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

function checkCodaToken(env: Environment, firstRun: boolean, problems: ConfigProblem[]): void {
  const isNeeded = env.CODA_CREDENTIALS === 'service' && env.TOKEN_STORE === 'env' && !firstRun
  if (!isNeeded || env.CODA_API_TOKEN !== undefined) return
  const message = 'is missing: set it or CODA_API_TOKEN_FILE; coda.io/account makes one'
  problems.push({ variable: 'CODA_API_TOKEN', message })
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
 * README says so. Without any way in the server starts on loopback only (`firstRun`), where everybody
 * can sign in.
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
  const exposure = readExposure(data, problems)
  const { publicUrl, loopback } = exposure
  const isClosed = !hasWayIn(data) && !signsInByCodaToken(data) && data.OAUTH_PROVIDER === undefined
  const firstRun = isClosed && loopback
  if (isClosed && !loopback) {
    const message = `is missing: off loopback callers must be known. Set ${waysInChoices}`
    problems.push({ variable: '(way in)', message })
  }
  if (firstRun) checkFirstRun(data, exposure, problems)
  if (data.METRICS_PORT === data.PORT) {
    const message = 'is the same as PORT; metrics have a port of their own, or 0 for none'
    problems.push({ variable: 'METRICS_PORT', message })
  }
  checkCodaToken(data, firstRun, problems)
  const store = readStores(data, problems)
  const authorizationServer = readAuthorizationServer(data, { exposure, firstRun }, problems)
  const uses = {
    // Also where its provider is not yet right: all that is missing is named at once.
    authorizationServer: authorizationServer !== undefined || data.OAUTH_PROVIDER !== undefined,
    store: usesPostgres(store),
  }
  const database = readDatabase(data, uses, { loopback }, problems)
  if (problems.length > 0) throw new ConfigError(problems)

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
    limits: { requests: data.MCP_RATE_LIMIT, refusals: data.MCP_REFUSAL_LIMIT },
    metricsPort: data.METRICS_PORT,
    metricsHost: data.METRICS_HOST,
    drainSeconds: data.DRAIN_SECONDS,
    readOnly: data.READ_ONLY,
    coda: {
      apiToken: data.CODA_API_TOKEN,
      baseUrl: data.CODA_API_BASE_URL,
      credentials: data.CODA_CREDENTIALS,
    },
    store,
    database,
    authorizationServer,
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
      ...findUnusedDatabase(data, database),
      ...findUnusedSignInVariables(data, authorizationServer),
    ],
  }
}
