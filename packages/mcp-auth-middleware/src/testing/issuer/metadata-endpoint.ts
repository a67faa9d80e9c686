import { CLIENT_AUTH_METHODS } from './clients.js'
import type { JsonMembers } from './compact-jws.js'
import type { EndpointResponse } from './endpoint.js'
import type { IssuerContext } from './issuer-context.js'

/** Paths of the endpoints, relative to the issuer identifier. */
export const ENDPOINT_PATHS = {
  jwks: '/.well-known/jwks.json',
  register: '/oauth/register',
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  introspection: '/oauth/introspect',
  revocation: '/oauth/revoke',
  /** JWK Set of a stranger, not part of the metadata. */
  'foreign-jwks': '/oauth/foreign-jwks.json',
} as const

/** Authorization server metadata (RFC 8414 section 2), which OpenID Connect discovery shares. */
function issuerMetadata(context: IssuerContext): JsonMembers {
  const issuer = context.issuer()
  const { algorithm, scopes } = context.settings
  const secretMethods = CLIENT_AUTH_METHODS.filter((method) => method !== 'none')
  return {
    issuer,
    authorization_endpoint: issuer + ENDPOINT_PATHS.authorize,
    token_endpoint: issuer + ENDPOINT_PATHS.token,
    registration_endpoint: issuer + ENDPOINT_PATHS.register,
    introspection_endpoint: issuer + ENDPOINT_PATHS.introspection,
    revocation_endpoint: issuer + ENDPOINT_PATHS.revocation,
    jwks_uri: issuer + ENDPOINT_PATHS.jwks,
    ...(scopes !== undefined && scopes.length > 0 && { scopes_supported: scopes }),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
    introspection_endpoint_auth_methods_supported: secretMethods,
    revocation_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: false,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
  }
}

export function answerMetadata(context: IssuerContext): EndpointResponse {
  return {
    status: 200,
    headers: { 'Cache-Control': 'public, max-age=300' },
    body: issuerMetadata(context),
  }
}

export async function answerJwks(context: IssuerContext): Promise<EndpointResponse> {
  return {
    status: 200,
    headers: { 'Cache-Control': 'public, max-age=300' },
    body: { keys: await context.keys.published() },
  }
}

/** The set of a stranger, to which the `jku` header of a forged token points. */
export async function answerForeignJwks(context: IssuerContext): Promise<EndpointResponse> {
  const { publicJwk } = await context.keys.foreign()
  return { status: 200, headers: { 'Cache-Control': 'no-store' }, body: { keys: [publicJwk] } }
}
