// Checked by the compiler only: whatever does not fit the MCP SDK v1 structurally fails `npm run types`.
import type { AuthInfo as SdkAuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import express, { type Request, type RequestHandler } from 'express'
import { getAuth, guard, mcpAuth, metadata } from '../../src/express.js'
import {
  type AuthInfo,
  createMcpAuth,
  type McpAuth,
  type McpAuthOptions,
  type Principal,
  principalOf,
  type TokenValidator,
} from '../../src/index.js'

declare const authInfo: AuthInfo
declare const sdkAuthInfo: SdkAuthInfo
declare const auth: McpAuth
declare const options: McpAuthOptions
declare const validator: TokenValidator

// The caller that the guard sets is the SDK's own AuthInfo; the other way round it is not.
export const forSdk: SdkAuthInfo = authInfo
export const forSdkOptional: SdkAuthInfo | undefined = authInfo
// @ts-expect-error - an SDK AuthInfo says nothing about the principal.
export const fromSdk: AuthInfo = sdkAuthInfo

// A tool handler has the SDK's type; the principal is found in it, or is not there.
export const caller: Principal | undefined = principalOf(sdkAuthInfo)
export const nobody: Principal | undefined = principalOf(undefined)
// @ts-expect-error - a request that did not pass the guard has no principal.
export const certain: Principal = principalOf(sdkAuthInfo)

// Express 5: all three are request handlers, without a cast.
export const handlers: RequestHandler[] = [
  mcpAuth(options),
  mcpAuth(auth),
  metadata(auth),
  guard(auth, { scopes: ['read'], messages: false }),
]
const app = express()
app.use(mcpAuth(options))
app.use('/mcp', guard(auth))
app.get('/reports', guard(auth, { scopes: ['reports.read'] }), (request, response) => {
  const { extra, scopes } = getAuth(request)
  response.json({ subject: extra.principal.subject, scopes })
})
// @ts-expect-error - a misspelt option.
guard(auth, { scope: ['read'] })
// @ts-expect-error - options need validators.
mcpAuth({ resource: 'https://mcp.example/mcp' })
// @ts-expect-error - a resource is text, exactly as clients get it.
createMcpAuth({ resource: new URL('https://mcp.example/mcp'), validators: [validator] })

// Sessions bound to the caller, for both transports of SDK v1.
declare const request: Request & { auth?: SdkAuthInfo }
export const stateful = new StreamableHTTPServerTransport({
  sessionIdGenerator: auth.sessionIds(request),
})
export const web = new WebStandardStreamableHTTPServerTransport({
  sessionIdGenerator: auth.sessionIds({ auth: authInfo }),
})

// The transport reads req.auth as the guard leaves it.
app.post('/mcp', (req, res) => stateful.handleRequest(req, res, req.body))
export const handled: Promise<Response> = web.handleRequest(
  new globalThis.Request('https://mcp.example'),
  {
    authInfo,
  },
)
