// Names that the examples in docstrings use without declaring them.
declare const app: import('express').Express
declare const auth: import('@bestviable/mcp-auth-middleware').McpAuth
declare const mcpHandler: import('express').RequestHandler
declare const listReports: import('express').RequestHandler
declare const issuer: string
declare const oldToken: string
declare const ctx: { http: { authInfo?: import('@bestviable/mcp-auth-middleware').AuthInfo } }
declare function audit(issuer: string, subject: string): void
declare function myTokenStore(): import('@bestviable/mcp-auth-middleware').TokenStore
declare function describe(name: string, body: () => void): void
declare function it(name: string, body: () => Promise<void>): void
declare const clientId: string
declare const clientSecret: string
