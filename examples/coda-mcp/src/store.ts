import {
  cachedTokenStore,
  dualWriteTokenStore,
  readNewTokenStore,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import { codaTokenVariables, type RawEnvironment } from './config/raw-environment.js'
import type { StoreConfig, StoreKind } from './config/stores.js'
import type { SealedDatabase } from './database.js'
import type { Metrics } from './metrics/metrics.js'
import { observeStore } from './metrics/observe-store.js'

/** Options for {@link createStore}. */
export interface StoreOptions {
  readonly config: StoreConfig
  /** Needed by the postgres store, which does not close it. */
  readonly database: SealedDatabase | undefined
  /** Variables that hold Coda tokens are read from here. */
  readonly env: RawEnvironment
  readonly metrics: Metrics
}

function createEnvStore({ config, env }: StoreOptions): TokenStore {
  return envTokenStore({ env: codaTokenVariables(env), namespace: config.namespace })
}

async function createPostgresStore({ config, database }: StoreOptions): Promise<TokenStore> {
  if (database === undefined) throw new Error('the postgres store has no database')
  const { postgresTokenStore } = await import('@bestviable/mcp-auth-store-postgres')
  return postgresTokenStore({ ...database, namespace: config.namespace })
}

async function createInfisicalStore({ config }: StoreOptions): Promise<TokenStore> {
  const { infisicalTokenStore } = await import('@bestviable/mcp-auth-store-infisical')
  if (config.infisical === undefined) throw new Error('the infisical store is not configured')
  const { clientId, clientSecret, ...site } = config.infisical
  return infisicalTokenStore({
    ...site,
    namespace: config.namespace,
    auth: { method: 'universal', clientId, clientSecret },
  })
}

async function createOne(kind: StoreKind, options: StoreOptions): Promise<TokenStore> {
  const create = {
    env: createEnvStore,
    postgres: createPostgresStore,
    infisical: createInfisicalStore,
  }
  return observeStore(await create[kind](options), kind, options.metrics)
}

/**
 * Builds the store of Coda tokens, in the mode of a migration when one is configured. Everything but
 * the environment is cached: a token is asked for once a minute, changes of other replicas are seen
 * at once where the database tells, and a token that was read before survives an outage.
 */
export async function createStore(options: StoreOptions): Promise<TokenStore> {
  const { kind, migration, outageSeconds } = options.config
  if (kind === 'env') return await createOne(kind, options)
  const store = await createOne(kind, options)
  if (migration === undefined) return cachedTokenStore(store, { serveStaleSeconds: outageSeconds })
  const old = await createOne(migration.from, options)
  const both =
    migration.mode === 'dual-write'
      ? dualWriteTokenStore({ old, new: store })
      : readNewTokenStore({ old, new: store })
  return cachedTokenStore(both, { serveStaleSeconds: outageSeconds })
}
