import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { allowInsecureRequests, validateJwtAccessToken } from 'oauth4webapi'

const METADATA = '/.well-known/cloudflare-access-protected-resource/mcp'
// Whether the real one has it at the standard places too was not verified.
const METADATA_PLACES = [
  METADATA,
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-protected-resource',
]
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers':
    'authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name',
  'access-control-expose-headers': 'www-authenticate, mcp-session-id',
}

function sendJson(response, status, body, headers = {}) {
  response
    .writeHead(status, { ...CORS, 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body))
}

/** Hands a request on with the assertion of its caller. The token of Access stays as it is. */
function forward(request, response, { port, assertion }) {
  const { method, url, headers } = request
  const to = { host: '127.0.0.1', port, method, path: url, agent: false }
  const onward = send({ ...to, headers: { ...headers, 'cf-access-jwt-assertion': assertion } })
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}

/**
 * Stands in for Cloudflare Access with Managed OAuth in front of a server: it signs people in by a test
 * issuer, and lets nobody through without a token of that one.
 */
export async function startAccessEdge({ port, assertion }) {
  const issuer = createTestIssuer()
  await issuer.listen()
  const server = { issuer: issuer.issuer, jwks_uri: issuer.jwksUri }
  let url
  const subjectOf = async ({ authorization = '' }) => {
    const asked = new Request(`${url}/mcp`, { headers: { authorization } })
    const onLoopback = { [allowInsecureRequests]: true }
    return (await validateJwtAccessToken(server, asked, `${url}/mcp`, onLoopback)).sub
  }
  const edge = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') {
      response.writeHead(204, CORS).end()
      return
    }
    if (METADATA_PLACES.includes(request.url)) {
      const authorizationServers = { authorization_servers: [issuer.issuer] }
      const scopes = { scopes_supported: ['openid'] }
      sendJson(response, 200, { resource: `${url}/mcp`, ...authorizationServers, ...scopes })
      return
    }
    if (request.url?.startsWith('/.well-known/')) {
      sendJson(response, 404, { error: 'not_found' })
      return
    }
    const subject = await subjectOf(request.headers).catch(() => undefined)
    if (subject !== undefined) {
      forward(request, response, { port, assertion: await assertion(subject) })
      return
    }
    const error = request.headers.authorization === undefined ? '' : 'error="invalid_token", '
    const challenge = `Bearer ${error}resource_metadata="${url}${METADATA}"`
    sendJson(response, 401, { error: 'unauthorized' }, { 'www-authenticate': challenge })
  })
  edge.listen(0, '127.0.0.1')
  await once(edge, 'listening')
  url = `http://localhost:${edge.address().port}`
  return {
    url,
    close: async () => {
      edge.closeAllConnections()
      edge.close()
      await issuer.close()
    },
  }
}
