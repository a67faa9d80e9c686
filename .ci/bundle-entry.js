// What a typical server bundles: the core, one validator and the Express adapter.

export { mcpAuth } from '../packages/mcp-auth-middleware/dist/express.js'
export { oidc } from '../packages/mcp-auth-middleware/dist/index.js'
