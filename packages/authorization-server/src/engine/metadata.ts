import { PROOF_ALGORITHMS } from './dpop-proof.js'
import type { EngineParts } from './parts.js'
import { PATHS } from './paths.js'
import { IDENTITY_SCOPES } from './resources.js'

/** Members of our metadata document, which serves RFC 8414 and OpenID Connect Discovery alike. */
export type AuthorizationServerMetadata = Readonly<Record<string, unknown>> & {
  readonly issuer: string
}

/**
 * Builds the metadata document. Every URL starts with the configured issuer, whatever a request says.
 *
 * @see RFC 8414 section 2
 */
export function createMetadata(parts: EngineParts): AuthorizationServerMetadata {
  const { issuer, resources, algorithm } = parts
  const url = (path: string): string => `${issuer}${path}`
  const scopes = resources.all.flatMap((each) => [...each.scopes.keys()])
  const clientAuthMethods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']
  const withSecret = clientAuthMethods.slice(1)
  const signingAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']
  return {
    issuer,
    authorization_endpoint: url(PATHS.authorize),
    token_endpoint: url(PATHS.token),
    ...(parts.dynamicRegistration ? { registration_endpoint: url(PATHS.register) } : {}),
    revocation_endpoint: url(PATHS.revoke),
    introspection_endpoint: url(PATHS.introspect),
    userinfo_endpoint: url(PATHS.userinfo),
    jwks_uri: url(PATHS.jwks),
    ...(parts.pushedAuthorizationRequests
      ? { pushed_authorization_request_endpoint: url(PATHS.par) }
      : {}),
    scopes_supported: [...new Set([...IDENTITY_SCOPES, ...scopes])],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: clientAuthMethods,
    token_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
    revocation_endpoint_auth_methods_supported: clientAuthMethods,
    introspection_endpoint_auth_methods_supported: withSecret,
    authorization_response_iss_parameter_supported: true,
    ...(parts.dpop ? { dpop_signing_alg_values_supported: PROOF_ALGORITHMS } : {}),
    ...(parts.clientDocuments ? { client_id_metadata_document_supported: true } : {}),
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
    claims_supported: ['sub', 'email', 'email_verified', 'name', 'picture', 'updated_at'],
  }
}
