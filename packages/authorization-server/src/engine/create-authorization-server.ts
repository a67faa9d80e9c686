import { createEnvelopeCodec, localKeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { type AuthorizationServerOptions, parseAuthorizationServerOptions } from '../options.js'
import { createStorage } from '../storage/create-storage.js'
import { type AuthorizationServer, assembleAuthorizationServer } from './assemble.js'
import { createParts } from './create-parts.js'

/**
 * Starts an OAuth 2.1 authorization server inside an application.
 *
 * Checks all options, applies missing migrations, makes the first signing key, and answers its own
 * paths from then on. It does not listen.
 *
 * @example
 * ```ts
 * const as = await createAuthorizationServer({
 *   issuer: 'https://coda.example.com',
 *   database: process.env.DATABASE_URL,
 *   encryptionKeys: process.env.MCP_AUTH_ENCRYPTION_KEYS,
 *   resources: { 'https://coda.example.com/mcp': { scopes: { 'coda.read': 'Read your docs' } } },
 *   login: [google({ clientId, clientSecret })],
 *   allow: { domains: ['example.com'] },
 * })
 * app.use(as.router)
 * app.use(mcpAuth({ resource: 'https://coda.example.com/mcp', validators: [as.validator] }))
 * ```
 *
 * @throws ConfigurationError when an option is missing or malformed, listing all of them.
 * @throws StoreUnavailableError when the database cannot be reached.
 */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const parsed = parseAuthorizationServerOptions(options)
  const isOwn = typeof parsed.database === 'string'
  const database =
    typeof parsed.database === 'string'
      ? createDatabase({ connectionString: parsed.database })
      : parsed.database
  const codec = createEnvelopeCodec({
    keyProvider: localKeyProvider({ keys: parsed.encryptionKeys }),
  })
  const storage = createStorage({ database, codec, now: parsed.now })
  const close = async (): Promise<void> => {
    await storage.close()
    if (isOwn) await database.close()
  }
  try {
    return await assembleAuthorizationServer(createParts(parsed, storage, database), close)
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}
