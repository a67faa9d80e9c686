// Checked by the compiler only: whatever does not fit the MCP SDK v2 structurally fails `npm run types`.
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  McpServer,
  type AuthInfo as SdkAuthInfo,
  type ServerContext,
} from '@modelcontextprotocol/server'
import express from 'express'
import { mcpAuth, type NodeRequest } from '../../src/express.js'
import {
  type AuthInfo,
  type McpAuth,
  type Principal,
  principalOf,
  type TokenValidator,
  type Verdict,
} from '../../src/index.js'

declare const authInfo: AuthInfo
declare const sdkAuthInfo: SdkAuthInfo
declare const auth: McpAuth
declare const context: ServerContext
declare const nodeRequest: NodeRequest

export const forSdk: SdkAuthInfo = authInfo
export const step: string | undefined = authInfo.resourceMetadataUrl
// @ts-expect-error - an SDK AuthInfo says nothing about the principal.
export const fromSdk: AuthInfo = sdkAuthInfo
export const caller: Principal | undefined = principalOf(context.http?.authInfo)

const handler = createMcpHandler(({ authInfo: seen }) => {
  const server = new McpServer({ name: 'types', version: '1.0.0' })
  server.registerTool('whoami', {}, (ctx) => ({
    content: [{ type: 'text', text: principalOf(ctx.http?.authInfo ?? seen)?.subject ?? '' }],
  }))
  return server
})

// Web-standard hosts hand the caller over explicitly.
export const served: Promise<Response> = auth.fetch(
  new Request('https://mcp.example/mcp'),
  (request, verified) =>
    handler.fetch(request, verified === undefined ? {} : { authInfo: verified }),
)
auth.fetch(new Request('https://mcp.example/mcp'), async (request, verified) => {
  // @ts-expect-error - on public paths there is no caller.
  const { clientId } = verified
  return Response.json({ url: request.url, clientId })
})
// @ts-expect-error - the handler must answer.
auth.fetch(new Request('https://mcp.example/mcp'), () => undefined)

// Node.js: the adapter of the SDK reads req.auth as the guard leaves it.
const node = toNodeHandler(handler)
export const seen: Parameters<typeof node>[0]['auth'] = authInfo
const app = express()
app.use(mcpAuth(auth))
app.all('/mcp', (request, response) => void node(request, response))
export const bound = new NodeStreamableHTTPServerTransport({
  sessionIdGenerator: auth.sessionIds(nodeRequest),
})

// A validator of one's own is a plain object.
export const custom: TokenValidator = {
  name: 'custom',
  selects: { prefixes: ['acme_'] },
  authorizationServers: [],
  scopeSource: 'granted',
  resourceBinding: 'none',
  validate(credential, { resource, digest, now }) {
    if (credential === '') return { kind: 'rejected', reason: 'empty' }
    if (resource !== 'https://mcp.example/mcp') return { kind: 'forbidden', reason: 'elsewhere' }
    const principal: Principal = {
      issuer: 'acme',
      subject: digest,
      kind: 'service',
      scopes: ['read'],
      claims: {},
    }
    return { kind: 'accepted', principal, reuse: { until: now + 60_000 } }
  },
}
export const asynchronous: TokenValidator = {
  ...custom,
  validate: async (): Promise<Verdict> => ({ kind: 'unavailable', retryAfterSeconds: 5 }),
  recheck: (principal, now) =>
    principal.expiresAt !== undefined && principal.expiresAt * 1000 < now
      ? { kind: 'rejected', reason: 'expired' }
      : undefined,
}

export const wrong: TokenValidator[] = [
  // @ts-expect-error - a boolean is no verdict.
  { ...custom, validate: () => true },
  // @ts-expect-error - an accepted verdict has a principal.
  { ...custom, validate: () => ({ kind: 'accepted' }) },
  // @ts-expect-error - an outage says when to come back.
  { ...custom, validate: () => ({ kind: 'unavailable' }) },
  // @ts-expect-error - one of three sources.
  { ...custom, scopeSource: 'all' },
  // @ts-expect-error - the binding has to be said.
  { ...custom, resourceBinding: undefined },
  // @ts-expect-error - a misspelt selector would select nothing.
  { ...custom, selects: { prefix: ['acme_'] } },
]
declare const principal: Principal
// @ts-expect-error - a person or a service.
export const unknownKind: Principal = { ...principal, kind: 'admin' }
