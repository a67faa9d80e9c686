import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { onTestFinished } from 'vitest'
import {
  type FakeInfisical,
  startFakeInfisical,
} from '../../../store-infisical/test/fake-infisical/index.js'
import { type TestEngine, testEngines } from '../../../store-postgres/test/support/engines.js'

/** Variables of a command line. */
export type Environment = Readonly<Record<string, string>>

/** A database engine, and why it cannot run here. */
export const engines: readonly TestEngine[] = testEngines()

/** The first PostgreSQL server that runs here, for what does not depend on the engine. */
export const someServer: TestEngine | undefined = engines.find(
  ({ kind, skip }) => kind === 'postgres' && skip === undefined,
)

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
