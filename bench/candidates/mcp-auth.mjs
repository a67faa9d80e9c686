import { MCPAuth } from 'mcp-auth'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'

/** The `mcp-auth` package, which is another project than ours. */
export function create({ jwksUri }) {
  const metadata = {
    issuer: ISSUER,
    jwksUri,
    authorizationEndpoint: `${ISSUER}/authorize`,
    tokenEndpoint: `${ISSUER}/token`,
    responseTypesSupported: ['code'],
    grantTypesSupported: ['authorization_code'],
    codeChallengeMethodsSupported: ['S256'],
    registrationEndpoint: `${ISSUER}/register`,
  }
  const mcpAuth = new MCPAuth({
    protectedResources: [
      { metadata: { resource: RESOURCE, authorizationServers: [{ type: 'oauth', metadata }] } },
    ],
  })
  return mcpAuth.bearerAuth('jwt', {
    resource: RESOURCE,
    audience: RESOURCE,
    requiredScopes: ['coda.read'],
  })
}
