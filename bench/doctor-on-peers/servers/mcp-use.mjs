import { MCPServer } from 'mcp-use'
import { createJwtVerifier, oauthCustomProvider } from 'mcp-use/oauth'

const { PORT, RESOURCE, ISSUER, ISSUER_KEYS, ISSUER_METADATA } = process.env

const server = new MCPServer({
  name: 'notes',
  version: '1.0.0',
  oauth: oauthCustomProvider({
    resource: RESOURCE,
    requiredScopes: ['notes.read'],
    scopesSupported: ['notes.read'],
    oauthMetadata: JSON.parse(ISSUER_METADATA),
    createTokenVerifier: (resource) =>
      createJwtVerifier({ issuer: ISSUER, jwksUrl: new URL(ISSUER_KEYS), resource }),
    mapAuthInfo: ({ clientId }) => ({ user: { id: clientId }, payload: {}, permissions: [] }),
  }),
})
server.tool({ name: 'read_note', description: 'Read a note' }, async () => ({ content: [] }))
await server.listen(Number(PORT), { host: '127.0.0.1' })
