import { cloudflareAccess } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { RequestHandler } from 'express'
import { logAuth } from './log.js'
import { requireVariables, type Settings } from './settings.js'

/** Parts of a list with commas. */
function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Lets in whom Cloudflare Access has let through, by its signed assertion and nothing else. */
export function createAuth({ name, resource, env }: Settings): RequestHandler {
  const { CF_ACCESS_TEAM_DOMAIN: team, CF_ACCESS_AUD: tags } = requireVariables(
    env,
    'CF_ACCESS_TEAM_DOMAIN',
    'CF_ACCESS_AUD',
  )
  return mcpAuth({
    resource,
    resourceName: name,
    // Access does OAuth at its edge: what it leaves in `Authorization` means nothing here.
    validators: [cloudflareAccess({ team, audience: splitList(tags), edgeOAuth: true })],
    onEvent: logAuth,
  })
}
