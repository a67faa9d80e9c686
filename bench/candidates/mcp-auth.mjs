import { MCPAuth } from 'mcp-auth'
import { ISSUER, RESOURCE } from '../lib/fixture.mjs'

/** The `mcp-auth` package, which is another project than ours. */
export function create({ jwksUri, issuers = [ISSUER] }) {
  const authorizationServers = issuers.map((issuer) => ({
    type: 'oauth',
    metadata: {
      issuer,
      jwksUri,
      authorizationEndpoint: `${issuer}/authorize`,
      tokenEndpoint: `${issuer}/token`,
      responseTypesSupported: ['code'],
      grantTypesSupported: ['authorization_code'],
      codeChallengeMethodsSupported: ['S256'],
      registrationEndpoint: `${issuer}/register`,
    },
  }))
  const mcpAuth = new MCPAuth({
    protectedResources: [{ metadata: { resource: RESOURCE, authorizationServers } }],
  })
  return mcpAuth.bearerAuth('jwt', {
    resource: RESOURCE,
    audience: RESOURCE,
    requiredScopes: ['coda.read'],
  })
}
