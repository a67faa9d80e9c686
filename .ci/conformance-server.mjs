// What the conformance suite is run against: the authorization server, an MCP server behind the guard,
// and a proxy that adds the access token, since the suite's server mode cannot send one.
import { createHash, randomBytes } from 'node:crypto'
import { createServer, request as httpRequest } from 'node:http'
import { createMcpAuth } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { createAuthorizationServer, devLogin } from '@bestviable/mcp-authorization-server'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import {
  classifyInboundRequest,
  createMcpHandler,
  isInitializeRequest,
} from '@modelcontextprotocol/server'
import express from 'express'
import { createBrowser } from '../packages/authorization-server/test/engine/support/browser.ts'
import { createConformanceMcpServer } from './conformance-tools.mjs'

async function listen(handler) {
  const server = createServer(handler)
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return { server, port: server.address().port }
}

/** Signs in and approves in the place of a person; the redirect to the client ends it. */
export async function approve(origin, url) {
  const browser = createBrowser(origin)
  let page = await browser.open(url)
  for (const [form, fields] of [
    ['/login/dev', { subject: 'ann' }],
    ['/consent', {}],
  ]) {
    if (page.html.includes(form)) page = await page.submit(form, fields)
  }
  if (page.location === undefined) throw new Error(`no redirect, but a page: ${page.status}`)
  return page.location
}

/** The MCP endpoint: sessions before revision 2026-07-28, since then a server for each request. */
function createEndpoint(auth) {
  const sessions = new Map()
  const create = () =>
    createConformanceMcpServer((list) =>
      list === 'tools' ? modern.notify.toolsChanged() : modern.notify.promptsChanged(),
    )
  const modern = createMcpHandler(create)
  const handleModern = toNodeHandler(modern)

  async function openSession(request) {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: auth.sessionIds(request),
      onsessioninitialized: (id) => sessions.set(id, transport),
    })
    transport.onclose = () => sessions.delete(transport.sessionId)
    await create().connect(transport)
    return transport
  }

  return async (request, response) => {
    const inbound = classifyInboundRequest({
      httpMethod: request.method,
      protocolVersionHeader: request.get('mcp-protocol-version'),
      mcpMethodHeader: request.get('mcp-method'),
      body: request.body,
    })
    if (request.method === 'POST' && inbound.kind !== 'legacy') {
      await handleModern(request, response, request.body)
      return
    }
    const id = request.get('mcp-session-id')
    const transport =
      id === undefined && isInitializeRequest(request.body)
        ? await openSession(request)
        : sessions.get(id)
    if (transport === undefined) {
      const error = { code: -32001, message: 'Session not found' }
      response.status(id === undefined ? 400 : 404).json({ jsonrpc: '2.0', error, id: null })
      return
    }
    await transport.handleRequest(request, response, request.body)
  }
}

/** Hands every request on as it is, with the token added. */
async function startTokenProxy(port, token) {
  const { server, port: own } = await listen((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` }
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, method: request.method, path: request.url, headers },
      (incoming) => {
        response.writeHead(incoming.statusCode, incoming.headers)
        response.flushHeaders()
        incoming.pipe(response)
      },
    )
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    request.pipe(outgoing)
  })
  return { server, url: `http://127.0.0.1:${own}/mcp` }
}

/** Registers a public client. */
export async function register(issuer, redirectUri) {
  const response = await fetch(`${issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Conformance suite',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    }),
  })
  const { client_id: clientId } = await response.json()
  if (response.status !== 201) throw new Error(`registration: ${response.status}`)
  return clientId
}

async function obtainToken(issuer) {
  const redirectUri = 'https://app.test/callback'
  const clientId = await register(issuer, redirectUri)
  const verifier = randomBytes(32).toString('base64url')
  const url = new URL(`${issuer}/oauth/authorize`)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const location = await approve(issuer, url.href)
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      code: location.searchParams.get('code'),
      code_verifier: verifier,
      redirect_uri: redirectUri,
    }),
  })
  const { access_token: token } = await response.json()
  if (response.status !== 200) throw new Error(`token: ${response.status}`)
  return token
}

/** Starts everything on loopback, with an empty database in memory. */
export async function startConformanceServer() {
  const app = express()
  const { server, port } = await listen(app)
  const issuer = `http://127.0.0.1:${port}`
  const resource = `${issuer}/mcp`
  const database = createDatabase({ dataDir: 'memory://' })
  const as = await createAuthorizationServer({
    issuer,
    database,
    encryptionKeys: generateEncryptionKey(),
    resources: { [resource]: { scopes: { 'mcp.use': 'Use the tools' } } },
    login: [devLogin({ users: [{ subject: 'ann', email: 'ann@example.com', name: 'Ann' }] })],
  })
  const auth = createMcpAuth({
    resource,
    validators: [as.validator],
    scopes: { required: ['mcp.use'] },
  })
  app.use(as.router)
  app.use(mcpAuth(auth))
  app.all('/mcp', express.json(), createEndpoint(auth))

  const token = await obtainToken(issuer)
  const proxy = await startTokenProxy(port, token)
  return {
    issuer,
    resource,
    protectedUrl: proxy.url,
    async close() {
      for (const each of [proxy.server, server]) {
        each.closeAllConnections()
        each.close()
      }
      await as.close()
      await database.close()
    },
  }
}
