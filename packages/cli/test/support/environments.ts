import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, onTestFinished } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  type FakeInfisical,
  startFakeInfisical,
} from '../../../store-infisical/test/fake-infisical/index.js'
import {
  runOnce,
  type TestEngine,
  testEngines,
} from '../../../store-postgres/test/support/engines.js'

/** Variables of a command line. */
export type Environment = Readonly<Record<string, string>>

/** A database engine, and why it cannot run here. */
export const engines: readonly TestEngine[] = testEngines()

/** The first PostgreSQL server that runs here, for what does not depend on the engine. */
export const someServer: TestEngine | undefined = engines.find(
  ({ kind, skip }) => kind === 'postgres' && skip === undefined,
)

/**
 * Engines of long tests. PGlite starts anew for every command line, which is most of their work: by day
 * `tokens.test.ts` and `migrate.test.ts` have a short test with it, and PostgreSQL proves the rest.
 */
export const mainEngines: readonly TestEngine[] =
  isLongForm || someServer === undefined
    ? engines
    : engines.filter(({ kind }) => kind === 'postgres')

/** Keys of one test. */
export function createKeys(): string {
  return generateEncryptionKey()
}

/** An empty database of one test, as variables that lead to it. */
export async function postgresEnvironment(engine: TestEngine): Promise<Environment> {
  const { options, drop } = await engine.createDatabase()
  onTestFinished(drop)
  const place =
    'connectionString' in options
      ? { DATABASE_URL: options.connectionString }
      : { DATA_DIR: options.dataDir }
  return { TOKEN_STORE: 'postgres', MCP_AUTH_ENCRYPTION_KEYS: createKeys(), ...place }
}

/**
 * Databases of one test each that are copies of one, which is filled once for the test file: to make the
 * tables and what is in them anew takes longer than most tests. All have the same keys.
 */
export function copiesOf(
  engine: TestEngine | undefined,
  fill: (env: Environment) => Promise<void>,
): () => Promise<Environment> {
  let filled: Promise<Environment> | undefined
  let drop: (() => Promise<void>) | undefined
  let copies = 0
  async function make(): Promise<Environment> {
    if (engine === undefined) throw new Error('no PostgreSQL server runs here')
    const database = await engine.createDatabase()
    drop = database.drop
    const env = {
      TOKEN_STORE: 'postgres',
      MCP_AUTH_ENCRYPTION_KEYS: createKeys(),
      DATABASE_URL: database.connectionString ?? '',
    }
    await fill(env)
    return env
  }
  afterAll(() => drop?.())
  return async () => {
    filled ??= make()
    const env = await filled
    copies += 1
    const url = new URL(env.DATABASE_URL ?? '')
    const original = url.pathname.slice(1)
    const copy = `${original}_${copies}`
    url.pathname = `/${copy}`
    await runOnce(env.DATABASE_URL ?? '', `CREATE DATABASE ${copy} TEMPLATE ${original}`)
    onTestFinished(() =>
      runOnce(env.DATABASE_URL ?? '', `DROP DATABASE IF EXISTS ${copy} WITH (FORCE)`),
    )
    return { ...env, DATABASE_URL: url.href }
  }
}

/** The variables that lead to a fake Infisical. */
export function infisicalVariables(fake: FakeInfisical): Environment {
  return {
    INFISICAL_SITE_URL: fake.siteUrl,
    INFISICAL_CLIENT_ID: fake.clientId,
    INFISICAL_CLIENT_SECRET: fake.clientSecret,
    INFISICAL_PROJECT_ID: fake.projectId,
    INFISICAL_ENVIRONMENT: fake.environment,
  }
}

/** A fake Infisical of one test, and the variables that lead to it. */
export async function infisicalEnvironment(): Promise<{
  readonly fake: FakeInfisical
  readonly env: Environment
}> {
  const fake = await startFakeInfisical()
  onTestFinished(() => fake.close())
  return { fake, env: { TOKEN_STORE: 'infisical', ...infisicalVariables(fake) } }
}
