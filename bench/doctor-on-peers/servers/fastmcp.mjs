import { FastMCP, OAuthProvider } from 'fastmcp'

const { PORT, ORIGIN, ISSUER_METADATA } = process.env
const upstream = JSON.parse(ISSUER_METADATA)

// What an operator does by hand in the console of the upstream provider.
const registered = await fetch(upstream.registration_endpoint, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    client_name: 'proxy',
    redirect_uris: [`${ORIGIN}/oauth/callback`],
    token_endpoint_auth_method: 'client_secret_basic',
  }),
})
const { client_id: clientId, client_secret: clientSecret } = await registered.json()

const server = new FastMCP({
  name: 'notes',
  version: '1.0.0',
  auth: new OAuthProvider({
    authorizationEndpoint: upstream.authorization_endpoint,
    tokenEndpoint: upstream.token_endpoint,
    baseUrl: ORIGIN,
    clientId,
    clientSecret,
    scopes: ['notes.read'],
  }),
})
server.addTool({ name: 'read_note', description: 'Read a note', execute: async () => '' })
await server.start({
  transportType: 'httpStream',
  httpStream: { port: Number(PORT), host: '127.0.0.1', endpoint: '/mcp' },
})
