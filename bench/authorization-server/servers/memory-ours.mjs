import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createStorage, parts } from '../memory-storage.mjs'

/** Our authorization server on a storage in memory. */
export async function create({ origin, resource }) {
  const { assembleAuthorizationServer, createParts, devLogin } = parts
  const options = parts.parseAuthorizationServerOptions({
    issuer: origin,
    database: 'postgresql://unused',
    encryptionKeys: generateEncryptionKey(),
    resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
    login: [devLogin({ users: [{ subject: 'ann', email: 'ann@example.com', name: 'Ann' }] })],
    rateLimits: false,
  })
  const as = await assembleAuthorizationServer(
    createParts(options, createStorage()),
    async () => undefined,
  )
  return (request, response) =>
    as.router(request, response, () => {
      response.statusCode = 404
      response.end()
    })
}
