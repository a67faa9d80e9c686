import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createCredentials, type TokenStore } from '@bestviable/mcp-auth-middleware'
import type { TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import { createApp } from './app.js'
import { createAuth } from './auth.js'
import { callerOf } from './caller.js'
import { createCodaClient } from './coda/coda-client.js'
import { type CodaMcpConfig, readConfig } from './config.js'
import { createDrain, type Drain, drainOnSignals } from './drain.js'
import { formatFirstRun } from './first-run.js'
import { createHealth } from './health.js'
import { createLogger, type Logger } from './logger.js'
import { type SampleServer, startSampleServer } from './stand-in/sample-server.js'
import { logStart } from './start-log.js'
import { codaTools } from './tools/index.js'
import { codaScopes } from './tools/scopes.js'

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
  readonly server: Server
  readonly drain: Drain
}

/**
 * The issuer of a first run: it signs in whoever asks, so it exists on loopback only and only while
 * no way in is configured.
 */
async function createFirstRunIssuer(config: CodaMcpConfig): Promise<TestIssuer | undefined> {
  if (!config.firstRun) return undefined
  // Loaded on a first run only: a configured server has no issuer that approves everything.
  const { createTestIssuer } = await import('@bestviable/mcp-auth-middleware/testing')
  return createTestIssuer({
    issuer: config.publicUrl,
    audience: config.resource,
    scopes: Object.keys(codaScopes),
    subject: 'first-run',
    accessTokenLifetimeSeconds: 24 * 60 * 60,
  })
}

function createStore(env: StartOptions['env'], sample: SampleServer | undefined): TokenStore {
  return envTokenStore({ env: sample === undefined ? env : { CODA_API_TOKEN: sample.token } })
}

/**
 * Starts the server from environment variables.
 *
 * @throws {@link ConfigError} listing everything that is wrong with them.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { env, version, write } = options
  const config = readConfig(env)
  const logger = options.logger ?? createLogger(config.logLevel)
  const sample = config.sampleCoda ? await startSampleServer() : undefined
  const firstRunIssuer = await createFirstRunIssuer(config)

  const credentials = createCredentials({
    store: createStore(env, sample),
    provider: 'coda',
    per: config.coda.credentials,
    resolveFor: ['coda_*'],
  })
  const access = createAuth({
    config,
    tools: codaTools,
    credentials: [credentials],
    logger,
    onStoreOutage: () => health.degraded('store', true),
    firstRunIssuer,
  })
  const { providers, oauthCompliant, metadataUrls } = access
  const health = createHealth({ version, providers, oauthCompliant, store: config.tokenStore })
  const drain = createDrain({
    drainSeconds: config.drainSeconds,
    onBegin: () => health.drain(),
    onEnd: async () => {
      await app.endpoint.close()
      await sample?.close()
    },
  })
  const app = createApp({
    config,
    version,
    logger,
    health,
    drain,
    coda: createCodaClient({ baseUrl: sample?.baseUrl ?? config.coda.baseUrl }),
    credentialFor: async (ctx) => {
      const { secret } = await credentials.for(ctx.http?.authInfo)
      health.degraded('store', false)
      return secret
    },
    auth: access.handlers,
    oauth: oauthCompliant,
    callerOf,
  })

  const server = createServer(app.express)
  server.listen(config.port, config.host)
  await once(server, 'listening')
  drainOnSignals(drain, server, (error) => logger.error({ err: error }, 'shutdown failed'))
  health.started()
  const address = `${config.host}:${config.port}`
  logStart(logger, config, { version, address, providers, metadataUrls })
  if (firstRunIssuer !== undefined) {
    write(formatFirstRun(config, await firstRunIssuer.token(), version))
  }
  return { config, server, drain }
}
