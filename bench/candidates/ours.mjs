import { jwt } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'

/**
 * This project, with scopes required as from the SDKs.
 *
 * @param context.issuers - one validator for each. Default: the one issuer of the fixture.
 * @param context.onEvent - takes what would otherwise be a process warning.
 * @param context.cache - `false` verifies every request.
 */
export function create({ jwksUri, issuers = [ISSUER], cache, now, onEvent }) {
  return mcpAuth({
    resource: RESOURCE,
    validators: issuers.map((issuer) =>
      jwt({ issuer, jwksUri, algorithms: ['RS256'], typ: ['at+jwt'], ...(now && { now }) }),
    ),
    authorizationServers: issuers.slice(0, 1),
    scopes: { required: ['coda.read'] },
    ...(cache === undefined ? {} : { cache }),
    ...(now && { now }),
    ...(onEvent && { onEvent }),
  })
}
