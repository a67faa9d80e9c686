import { build } from 'esbuild'
import { Miniflare, Response } from 'miniflare'

const { PORT, ORIGIN, RESOURCE, CLIENT_DOCUMENTS } = process.env
const documents = JSON.parse(CLIENT_DOCUMENTS)

const WORKER = `
import { AuthorizationError, OAuthProvider } from '@cloudflare/workers-oauth-provider'

const pages = {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/authorize') {
      return Response.json({ error: 'not_found' }, { status: 404 })
    }
    try {
      const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request)
      const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
        request: asked,
        userId: 'ann',
        metadata: {},
        scope: asked.scope,
        props: { userId: 'ann' },
      })
      return Response.redirect(redirectTo, 302)
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error
      if (error.redirectTo) return Response.redirect(error.redirectTo, 302)
      return new Response(error.description, { status: 400 })
    }
  },
}

export default new OAuthProvider({
  apiRoute: '/mcp',
  apiHandler: { fetch: () => Response.json({ jsonrpc: '2.0', id: 1, result: {} }) },
  defaultHandler: pages,
  authorizeEndpoint: '/authorize',
  tokenEndpoint: '/oauth/token',
  clientRegistrationEndpoint: '/oauth/register',
  clientIdMetadataDocumentEnabled: true,
  scopesSupported: ['notes.read', 'offline_access'],
  requiredScopes: ['notes.read'],
  resourceMetadata: {
    resource: ${JSON.stringify(RESOURCE)},
    authorization_servers: [${JSON.stringify(ORIGIN)}],
  },
})
`

const bundled = await build({
  stdin: { contents: WORKER, resolveDir: process.cwd(), loader: 'js' },
  bundle: true,
  write: false,
  format: 'esm',
  external: ['cloudflare:workers'],
})
const miniflare = new Miniflare({
  modules: true,
  script: bundled.outputFiles[0].text,
  host: '127.0.0.1',
  port: Number(PORT),
  compatibilityDate: '2026-01-01',
  compatibilityFlags: ['global_fetch_strictly_public'],
  kvNamespaces: ['OAUTH_KV'],
  // The Worker reaches nothing but the documents of clients, which are kept here.
  outboundService: ({ url }) =>
    url in documents ? Response.json(documents[url]) : new Response(null, { status: 502 }),
})
await miniflare.ready
