import { localBearer, parseBearerTokens } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { RequestHandler } from 'express'
import { logAuth } from './log.js'
import { requireVariables, type Settings } from './settings.js'

/** Lets in whoever has one of the tokens that you handed out. The server knows their digests only. */
export function createAuth({ name, resource, env }: Settings): RequestHandler {
  const { MCP_BEARER_TOKENS } = requireVariables(env, 'MCP_BEARER_TOKENS')
  return mcpAuth({
    resource,
    resourceName: name,
    validators: [localBearer(parseBearerTokens(MCP_BEARER_TOKENS))],
    onEvent: logAuth,
  })
}
