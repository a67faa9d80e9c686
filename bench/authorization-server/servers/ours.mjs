import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createAuthorizationServer, devLogin } from '@bestviable/mcp-authorization-server'

/** Our authorization server on PostgreSQL. ES256 is its default. */
export function createOurs({ origin, resource, connectionString }) {
  return createAuthorizationServer({
    issuer: origin,
    database: connectionString,
    encryptionKeys: generateEncryptionKey(),
    resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
    login: [devLogin({ users: [{ subject: 'ann', email: 'ann@example.com', name: 'Ann' }] })],
    // As with the others; all requests come from one address.
    rateLimits: false,
  })
}

export async function create(place) {
  const as = await createOurs(place)
  return (request, response) =>
    as.router(request, response, () => {
      response.statusCode = 404
      response.end()
    })
}
