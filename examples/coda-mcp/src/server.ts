import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { generateBearerToken, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import type { AuthorizationServer } from '@bestviable/mcp-authorization-server'
import { createApp } from './app.js'
import { createToolAudit, type ToolAudit } from './audit/tool-audit.js'
import { createAuth } from './auth.js'
import { startAuthorizationServer } from './authorization-server.js'
import { callerOf } from './caller.js'
import { createCodaClient } from './coda/coda-client.js'
import { isRefusedByCoda } from './coda/verify-token.js'
import { createCodaCredentials } from './coda-credentials.js'
import { type CodaMcpConfig, readConfig } from './config.js'
import { openDatabase, type SealedDatabase } from './database.js'
import { createDrain, type Drain } from './drain.js'
import { formatFirstRun } from './first-run.js'
import { createFrontDoor, type FrontDoor } from './front-door.js'
import { createHealth, type Health } from './health.js'
import { createRateLimits } from './limits/rate-limits.js'
import { createLogger, type Logger } from './logger.js'
import type { McpEndpoint } from './mcp-endpoint.js'
import { createMetrics, type Metrics } from './metrics/metrics.js'
import type { MetricsServer } from './metrics/metrics-server.js'
import { createRecordReader } from './metrics/oauth-records.js'
import { observeCodaFetch } from './metrics/observe-coda.js'
import { showState, startMetrics } from './metrics/start-metrics.js'
import { type SampleServer, startSampleServer } from './stand-in/sample-server.js'
import { logStart } from './start-log.js'
import { createStore } from './store.js'
import { createToolObserver } from './tool-observer.js'
import { codaTools } from './tools/index.js'
import { waitForDependency } from './wait-for-dependency.js'

/** Options for {@link startServer}. */
export interface StartOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Prints what a person at the terminal needs on a first run. */
  readonly write: (text: string) => void
  /** Default: one of the configured level, to standard output. */
  readonly logger?: Logger | undefined
}

/** A server that listens. */
export interface RunningServer {
  readonly config: CodaMcpConfig
  readonly logger: Logger
  readonly server: Server
  readonly drain: Drain
  /** Where Coda tokens are kept. Closed when the server ends. */
  readonly store: TokenStore
}

/**
 * How long a connection without requests stays open: longer than proxies keep theirs (Traefik and
 * cloudflared 90 seconds). Otherwise one of them may send a request on a connection that ends right then.
 */
const idleMilliseconds = 95_000

/** What is open while the server runs. */
interface Open {
  readonly sample: SampleServer | undefined
  readonly database: SealedDatabase | undefined
  readonly store: TokenStore
  readonly audit: ToolAudit | undefined
  endpoint: McpEndpoint | undefined
  authorizationServer: AuthorizationServer | undefined
}

/** What is written where somebody watches the server. */
interface Watching {
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Closes everything, what uses something before what it uses. */
async function closeAll(open: Open): Promise<void> {
  await open.endpoint?.close()
  await open.authorizationServer?.close()
  await open.audit?.close()
  await open.store.close()
  await open.database?.database.close()
  await open.sample?.close()
}

async function openAudit(
  config: CodaMcpConfig,
  { database }: SealedDatabase,
  { logger, metrics }: Watching,
): Promise<ToolAudit> {
  const audit = await createToolAudit({
    database,
    namespace: config.store.namespace,
    prunes: config.authorizationServer === undefined,
    onSettled: (outcome, entries) => metrics.count('audit_entries_total', { outcome }, entries),
    onTrouble: (problem) => logger.error(problem),
  })
  metrics.read('audit_queue_entries', (set) => set({}, audit.waiting))
  // The first loss has to be seen as an increase.
  metrics.count('audit_entries_total', { outcome: 'dropped' }, 0)
  return audit
}

async function openAll(
  config: CodaMcpConfig,
  env: StartOptions['env'],
  watching: Watching,
): Promise<Open> {
  const { dataDir } = config
  const { logger, metrics } = watching
  const sample = config.sampleCoda ? await startSampleServer() : undefined
  const database =
    config.database && (await openDatabase({ config: config.database, dataDir, logger }))
  const store =
    sample === undefined
      ? await createStore({ config: config.store, database, env, metrics })
      : envTokenStore({ env: { CODA_API_TOKEN: sample.token } })
  const audit = database && (await openAudit(config, database, watching))
  return { sample, database, store, audit, endpoint: undefined, authorizationServer: undefined }
}

/** What the parts of the server are made from. */
interface Ground extends Watching {
  readonly config: CodaMcpConfig
  readonly version: string
  readonly health: Health
  readonly door: FrontDoor
  readonly open: Open
  readonly scrape: MetricsServer | undefined
  readonly firstRunDigest: string | undefined
}

/** Puts the server together and opens it to callers, as soon as its dependencies are there. */
async function serve(ground: Ground): Promise<Drain> {
  const { config, logger, metrics, version, health, door, open, firstRunDigest } = ground
  const { store, database, sample } = open
  const baseUrl = sample?.baseUrl ?? config.coda.baseUrl
  const coda = createCodaClient({ baseUrl, fetch: observeCodaFetch(baseUrl, metrics) })
  const limits = createRateLimits({ settings: config.limits, logger, metrics })
  const toolObserver = createToolObserver({ logger, metrics, audit: open.audit })
  const starting = new AbortController()
  const drain = createDrain({
    drainSeconds: config.drainSeconds,
    // No load balancer has to learn of the end of a first run.
    acceptSeconds: config.firstRun ? 0 : undefined,
    onBegin: () => health.drain(),
    onEnd: async () => {
      starting.abort()
      await closeAll(open)
      await ground.scrape?.close()
    },
  })
  const { credentials, credentialFor, onTokenRefused } = createCodaCredentials({
    config,
    store,
    logger,
    onFound: () => health.degraded('store', false),
    isRefused: (token) => isRefusedByCoda(coda, token),
    endSignIns: async (subject) => open.authorizationServer?.sessions.revokeUser(subject),
  })
  // A file of the env store that cannot be read concerns one caller; the others are served.
  const waiting = new Set(['app', ...(config.store.kind === 'env' ? [] : ['store'])])
  function seen(what: string): void {
    waiting.delete(what)
    if (waiting.size === 0) health.started()
  }

  async function openDoor(): Promise<void> {
    const { authorizationServer: settings } = config
    if (settings !== undefined && database !== undefined) {
      const onDatabase = (works: boolean) => health.degraded('database', !works)
      const setup = { config, settings, database, store, coda, logger, metrics, onDatabase }
      open.authorizationServer = await startAuthorizationServer(setup)
      metrics.read('oauth_records', createRecordReader(database.database))
    }
    const { handlers, providers, oauthCompliant, metadataUrls } = createAuth({
      config,
      tools: codaTools,
      credentials: [credentials],
      logger,
      onStoreOutage: () => health.degraded('store', true),
      metrics,
      limits,
      authorizationServer: open.authorizationServer,
      firstRunDigest,
    })
    const calls = { coda, credentialFor, onTokenRefused, callerOf }
    const watching = { logger, metrics, limits, toolObserver }
    const parts = { config, version, health, drain, ...watching, ...calls }
    const app = createApp({ ...parts, auth: handlers, oauth: oauthCompliant })
    open.endpoint = app.endpoint
    health.signIn({ providers, oauthCompliant })
    door.open(app.express)
    seen('app')
    const address = `${config.host}:${config.port}`
    logStart(logger, config, { version, address, providers, metadataUrls })
  }

  const { signal } = starting
  // Nothing brings an embedded database back that another process holds.
  const canReturn = config.database?.connectionString !== undefined
  const what = 'the database of the authorization server'
  if (canReturn) await waitForDependency({ what, attempt: openDoor, logger, signal })
  else await openDoor()
  if (waiting.has('app')) door.close()
  if (waiting.has('store')) {
    // Ready once the store was seen; until then this server answers, and a load balancer waits.
    health.degraded('store', true)
    const attempt = async (): Promise<void> => {
      await store.check()
      health.degraded('store', false)
      seen('store')
    }
    await waitForDependency({ what: 'the store of Coda tokens', attempt, logger, signal })
  }
  return drain
}

/**
 * Starts the server from environment variables. It listens first, so that a port in use is known before
 * anything else is touched; requests wait until it can tell who calls.
 *
 * @throws {@link ConfigError} listing everything that is wrong with them.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { env, version, write } = options
  const config = readConfig(env)
  const logger = options.logger ?? createLogger(config.logLevel)
  const health = createHealth({ version, store: config.store.kind })
  const door = createFrontDoor(health.router)
  const server = createServer({ keepAliveTimeout: idleMilliseconds }, door.listener)
  server.listen(config.port, config.host)
  await once(server, 'listening')

  const metrics = createMetrics({ process: config.metricsPort !== 0 })
  showState(metrics, { config, version, health })
  let open: Open | undefined
  let scrape: MetricsServer | undefined
  try {
    scrape = await startMetrics({ config, metrics, logger })
    open = await openAll(config, env, { logger, metrics })
    const printed = config.firstRun ? await generateBearerToken() : undefined
    const firstRunDigest = printed?.digest
    const watching = { logger, metrics, scrape }
    const drain = await serve({ config, ...watching, version, health, door, open, firstRunDigest })
    if (printed !== undefined) write(formatFirstRun(config, printed.token, version))
    return { config, logger, server, drain, store: open.store }
  } catch (error) {
    server.close()
    server.closeAllConnections()
    if (open !== undefined) await closeAll(open)
    await scrape?.close()
    throw error
  }
}
