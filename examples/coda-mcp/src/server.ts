import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import {
  createCredentials,
  isAuthError,
  principalOf,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import type { TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { envTokenStore, envVariableFor } from '@bestviable/mcp-auth-store-env'
import { createApp } from './app.js'
import { createAuth } from './auth.js'
import { callerOf } from './caller.js'
import { createCodaClient } from './coda/coda-client.js'
import type { StoreKind } from './config/stores.js'
import { type CodaMcpConfig, readConfig } from './config.js'
import { createDrain, type Drain } from './drain.js'
import { formatFirstRun } from './first-run.js'
import { createHealth } from './health.js'
import { createLogger, type Logger } from './logger.js'
import type { Caller } from './request-log.js'
import { startSampleServer } from './stand-in/sample-server.js'
import { logStart } from './start-log.js'
import { createStore } from './store.js'
import { codaTools } from './tools/index.js'
import { codaScopes } from './tools/scopes.js'
import { waitForStore } from './wait-for-store.js'

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

/** Tells the operator how to give a Coda token to a caller without one. */
async function logMissingCredential(
  logger: Logger,
  store: StoreKind,
  caller: Caller | undefined,
): Promise<void> {
  if (caller === undefined) return
  const { issuer, subject } = caller
  if (store !== 'env') {
    const command = 'mcp-auth tokens set --provider coda --issuer … --subject …'
    logger.warn({ issuer, subject, command }, 'no Coda token is stored for this caller')
    return
  }
  const variable = await envVariableFor({
    provider: 'coda',
    owner: { kind: 'user', issuer, subject },
  })
  logger.warn({ issuer, subject, variable }, 'no Coda token is set for this caller')
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

  const store =
    sample === undefined
      ? await createStore({
          config: config.store,
          dataDir: config.dataDir,
          env,
          onNotice: (sentence) => logger.warn(sentence),
        })
      : envTokenStore({ env: { CODA_API_TOKEN: sample.token } })
  const credentials = createCredentials({
    store,
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
  const health = createHealth({ version, providers, oauthCompliant, store: config.store.kind })
  const starting = new AbortController()
  const drain = createDrain({
    drainSeconds: config.drainSeconds,
    // No load balancer has to learn of the end of a first run.
    acceptSeconds: config.firstRun ? 0 : undefined,
    onBegin: () => health.drain(),
    onEnd: async () => {
      await app.endpoint.close()
      starting.abort()
      await store.close()
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
      const authInfo = ctx.http?.authInfo
      try {
        const { secret } = await credentials.for(authInfo)
        health.degraded('store', false)
        return secret
      } catch (error) {
        if (isAuthError(error) && error.code === 'ERR_CREDENTIAL_REQUIRED') {
          await logMissingCredential(logger, config.store.kind, principalOf(authInfo))
        }
        throw error
      }
    },
    auth: access.handlers,
    oauth: oauthCompliant,
    callerOf,
  })

  // Keys take a while to make; whoever sees that the server listens can rely on everything else.
  const token = await firstRunIssuer?.token()
  const server = createServer(app.express)
  server.listen(config.port, config.host)
  await once(server, 'listening')
  if (config.store.kind === 'env') {
    // A file that cannot be read concerns one caller; the others are served.
    health.started()
  } else {
    // Ready once the store was seen; until then this server answers, and a load balancer waits.
    health.degraded('store', true)
    try {
      await waitForStore({
        store,
        logger,
        signal: starting.signal,
        onSeen: () => {
          health.degraded('store', false)
          health.started()
        },
      })
    } catch (error) {
      server.close()
      await store.close()
      throw error
    }
  }
  const address = `${config.host}:${config.port}`
  logStart(logger, config, { version, address, providers, metadataUrls })
  if (token !== undefined) write(formatFirstRun(config, token, version))
  return { config, logger, server, drain, store }
}
