import { stytch } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { RequestHandler } from 'express'
import { logAuth } from './log.js'
import { requireVariables, type Settings } from './settings.js'

/** Lets in whoever comes with an access token of your Stytch project's Connected Apps. */
export function createAuth({ name, resource, env }: Settings): RequestHandler {
  const { STYTCH_DOMAIN: domain, STYTCH_PROJECT_ID: projectId } = requireVariables(
    env,
    'STYTCH_DOMAIN',
    'STYTCH_PROJECT_ID',
  )
  return mcpAuth({
    resource,
    resourceName: name,
    validators: [stytch({ domain, projectId })],
    // What clients ask for. Some that find nothing here ask for nothing, and get a token without rights.
    scopesSupported: ['openid'],
    onEvent: logAuth,
  })
}
