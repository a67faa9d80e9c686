import { oidc } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { RequestHandler } from 'express'
import { logAuth } from './log.js'
import { readVariable, requireVariables, type Settings } from './settings.js'

/** Parts of a list with commas. */
function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Lets in whoever comes with an access token that your OpenID provider issued for this server. */
export function createAuth({ name, resource, env }: Settings): RequestHandler {
  const { OIDC_ISSUER: issuer } = requireVariables(env, 'OIDC_ISSUER')
  const audience = readVariable(env, 'OIDC_AUDIENCE') ?? resource
  const domains = readVariable(env, 'ALLOWED_DOMAINS')
  return mcpAuth({
    resource,
    resourceName: name,
    validators: [oidc({ issuer, audience })],
    // What clients ask for. Some that find nothing here ask for nothing, and get a token without rights.
    scopesSupported: ['openid'],
    allow: domains === undefined ? undefined : { domains: splitList(domains) },
    onEvent: logAuth,
  })
}
