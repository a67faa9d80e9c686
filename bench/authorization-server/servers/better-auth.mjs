import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { installPeers } from '../install-peers.mjs'

const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'coda.read', 'coda.write']

/** better-auth with its MCP plugin on PostgreSQL, telemetry and rate limits off. */
export async function create({ origin, resource, connectionString }) {
  const require = createRequire(`${installPeers()}package.json`)
  const load = (name) => import(pathToFileURL(require.resolve(name)).href)
  const [{ betterAuth }, { jwt }, { toNodeHandler }, { getMigrations }, { mcp }] =
    await Promise.all(
      [
        'better-auth',
        'better-auth/plugins',
        'better-auth/node',
        'better-auth/db/migration',
        '@better-auth/mcp',
      ].map(load),
    )
  const options = {
    baseURL: origin,
    secret: randomBytes(32).toString('hex'),
    database: new pg.Pool({ connectionString, max: 5, idleTimeoutMillis: 0 }),
    emailAndPassword: { enabled: true },
    logger: { level: 'error' },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    plugins: [
      jwt({ jwks: { keyPairConfig: { alg: 'ES256' } }, disableSettingJwtHeader: true }),
      mcp({
        allowDynamicClientRegistration: true,
        allowUnauthenticatedClientRegistration: true,
        consentPage: '/consent',
        loginPage: '/login',
        resource,
        scopes: SCOPES,
        silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
      }),
    ],
  }
  const { runMigrations } = await getMigrations(options)
  await runMigrations()
  return toNodeHandler(betterAuth(options))
}
