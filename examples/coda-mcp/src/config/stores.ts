import type { ConfigProblem } from './raw-environment.js'
import type { Environment } from './variables.js'

/** Kinds of stores for Coda tokens. */
export type StoreKind = Environment['TOKEN_STORE']

/** Where Coda tokens are kept, and what a migration reads beside it. */
export interface StoreConfig {
  readonly kind: StoreKind
  readonly migration:
    | { readonly from: StoreKind; readonly mode: 'dual-write' | 'read-new' }
    | undefined
  /** How long a credential that was read before is used during an outage, in seconds. */
  readonly outageSeconds: number
  readonly namespace: string
  /** Set when one of the stores is `infisical`. */
  readonly infisical:
    | {
        readonly siteUrl: string
        readonly clientId: string
        readonly clientSecret: string
        readonly projectId: string
        readonly environment: string
        readonly path: string
      }
    | undefined
}

function checkMigration(env: Environment, problems: ConfigProblem[]): void {
  const { TOKEN_STORE: to, TOKEN_STORE_FROM: from, TOKEN_STORE_MODE: mode } = env
  const missing = (variable: string, other: string) =>
    problems.push({ variable, message: `is missing: ${other} works only with it` })
  if (from === undefined && mode !== undefined) missing('TOKEN_STORE_FROM', 'TOKEN_STORE_MODE')
  if (mode === undefined && from !== undefined) missing('TOKEN_STORE_MODE', 'TOKEN_STORE_FROM')
  if (from === to) {
    const message = 'is the same as TOKEN_STORE; remove it and TOKEN_STORE_MODE'
    problems.push({ variable: 'TOKEN_STORE_FROM', message })
  }
  if (to === 'env' && from !== undefined) {
    const message =
      'must be postgres or infisical: environment variables cannot be written; see the way back in the guide'
    problems.push({ variable: 'TOKEN_STORE', message })
  }
  if (from === 'env' && mode === 'dual-write') {
    const message = 'must be read-new: environment variables cannot be written'
    problems.push({ variable: 'TOKEN_STORE_MODE', message })
  }
}

function readInfisical(
  env: Environment,
  problems: ConfigProblem[],
): NonNullable<StoreConfig['infisical']> | undefined {
  const required = [
    'INFISICAL_CLIENT_ID',
    'INFISICAL_CLIENT_SECRET',
    'INFISICAL_PROJECT_ID',
  ] as const
  for (const variable of required) {
    if (env[variable] !== undefined) continue
    problems.push({ variable, message: 'is missing: the infisical store works only with it' })
  }
  const {
    INFISICAL_CLIENT_ID: clientId,
    INFISICAL_CLIENT_SECRET: clientSecret,
    INFISICAL_PROJECT_ID: projectId,
  } = env
  if (clientId === undefined || clientSecret === undefined || projectId === undefined) {
    return undefined
  }
  return {
    siteUrl: env.INFISICAL_SITE_URL,
    clientId,
    clientSecret,
    projectId,
    environment: env.INFISICAL_ENVIRONMENT,
    path: env.INFISICAL_PATH,
  }
}

/** Reads which stores are used, and reports everything that they lack. */
export function readStores(env: Environment, problems: ConfigProblem[]): StoreConfig {
  checkMigration(env, problems)
  const { TOKEN_STORE: kind, TOKEN_STORE_FROM: from, TOKEN_STORE_MODE: mode } = env
  return {
    kind,
    migration: from === undefined || mode === undefined ? undefined : { from, mode },
    outageSeconds: env.STORE_OUTAGE_SECONDS,
    namespace: env.MCP_AUTH_NAMESPACE,
    infisical: [kind, from].includes('infisical') ? readInfisical(env, problems) : undefined,
  }
}

/** Whether one of the stores is `postgres`. */
export function usesPostgres({ kind, migration }: StoreConfig): boolean {
  return kind === 'postgres' || migration?.from === 'postgres'
}

/** Sentences about variables that are set and have no effect. */
export function findUnusedStoreVariables(env: Environment, stores: StoreConfig): string[] {
  const warnings: string[] = []
  const usesEnv = stores.kind === 'env' || stores.migration?.from === 'env'
  if (!usesEnv && env.CODA_API_TOKEN !== undefined) {
    warnings.push(
      `CODA_API_TOKEN is set and not used: Coda tokens are in ${stores.kind}. Remove it.`,
    )
  }
  if (stores.infisical === undefined && env.INFISICAL_CLIENT_SECRET !== undefined) {
    warnings.push('INFISICAL_CLIENT_SECRET is set and not used: TOKEN_STORE is not infisical.')
  }
  return warnings
}
