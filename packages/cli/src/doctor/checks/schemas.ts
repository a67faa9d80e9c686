import * as z from 'zod/mini'

const FORBIDDEN = ['javascript:', 'data:', 'vbscript:']

/** An absolute URL without a scheme that runs code, as the MCP SDKs want it. */
const SafeUrl = z.string().check(
  z.refine((text) => URL.canParse(text) && !FORBIDDEN.includes(new URL(text).protocol), {
    error: 'must be an absolute URL',
  }),
)
const AnyUrl = z
  .string()
  .check(z.refine((text) => URL.canParse(text), { error: 'must be an absolute URL' }))
const Texts = z.array(z.string())
const maybe = z.optional

/** Protected resource metadata by the rules of the MCP SDKs (RFC 9728). */
export const ResourceMetadata = z.looseObject({
  resource: AnyUrl,
  authorization_servers: maybe(z.array(SafeUrl)),
  jwks_uri: maybe(AnyUrl),
  scopes_supported: maybe(Texts),
  bearer_methods_supported: maybe(Texts),
  resource_signing_alg_values_supported: maybe(Texts),
  resource_name: maybe(z.string()),
  resource_documentation: maybe(z.string()),
  resource_policy_uri: maybe(AnyUrl),
  resource_tos_uri: maybe(AnyUrl),
  tls_client_certificate_bound_access_tokens: maybe(z.boolean()),
  authorization_details_types_supported: maybe(Texts),
  dpop_signing_alg_values_supported: maybe(Texts),
  dpop_bound_access_tokens_required: maybe(z.boolean()),
})

const COMMON = {
  issuer: z.string(),
  authorization_endpoint: SafeUrl,
  token_endpoint: SafeUrl,
  registration_endpoint: maybe(SafeUrl),
  scopes_supported: maybe(Texts),
  response_types_supported: Texts,
  response_modes_supported: maybe(Texts),
  grant_types_supported: maybe(Texts),
  token_endpoint_auth_methods_supported: maybe(Texts),
  token_endpoint_auth_signing_alg_values_supported: maybe(Texts),
  code_challenge_methods_supported: maybe(Texts),
  client_id_metadata_document_supported: maybe(z.boolean()),
  dpop_signing_alg_values_supported: maybe(Texts),
}

/** Authorization server metadata by the rules of the MCP SDKs (RFC 8414). */
export const ServerMetadata = z.looseObject({
  ...COMMON,
  service_documentation: maybe(SafeUrl),
  revocation_endpoint: maybe(SafeUrl),
  revocation_endpoint_auth_methods_supported: maybe(Texts),
  revocation_endpoint_auth_signing_alg_values_supported: maybe(Texts),
  introspection_endpoint: maybe(z.string()),
  introspection_endpoint_auth_methods_supported: maybe(Texts),
  introspection_endpoint_auth_signing_alg_values_supported: maybe(Texts),
})

/** The same for a document of OpenID Connect Discovery, of which more is required. */
export const OpenIdMetadata = z.looseObject({
  ...COMMON,
  userinfo_endpoint: maybe(SafeUrl),
  jwks_uri: SafeUrl,
  acr_values_supported: maybe(Texts),
  subject_types_supported: Texts,
  id_token_signing_alg_values_supported: Texts,
  id_token_encryption_alg_values_supported: maybe(Texts),
  id_token_encryption_enc_values_supported: maybe(Texts),
  userinfo_signing_alg_values_supported: maybe(Texts),
  userinfo_encryption_alg_values_supported: maybe(Texts),
  userinfo_encryption_enc_values_supported: maybe(Texts),
  request_object_signing_alg_values_supported: maybe(Texts),
  request_object_encryption_alg_values_supported: maybe(Texts),
  request_object_encryption_enc_values_supported: maybe(Texts),
  display_values_supported: maybe(Texts),
  claim_types_supported: maybe(Texts),
  claims_supported: maybe(Texts),
  service_documentation: maybe(z.string()),
  claims_locales_supported: maybe(Texts),
  ui_locales_supported: maybe(Texts),
  claims_parameter_supported: maybe(z.boolean()),
  request_parameter_supported: maybe(z.boolean()),
  request_uri_parameter_supported: maybe(z.boolean()),
  require_request_uri_registration: maybe(z.boolean()),
  op_policy_uri: maybe(SafeUrl),
  op_tos_uri: maybe(SafeUrl),
})

const UrlOrNothing = maybe(z.union([SafeUrl, z.literal('')]))

/** The answer to a dynamic registration by the rules of the MCP SDKs (RFC 7591). */
export const Registration = z.looseObject({
  redirect_uris: z.array(SafeUrl),
  client_id: z.string(),
  client_secret: maybe(z.string()),
  client_id_issued_at: maybe(z.number()),
  client_secret_expires_at: maybe(z.number()),
  token_endpoint_auth_method: maybe(z.string()),
  application_type: maybe(z.string()),
  grant_types: maybe(Texts),
  response_types: maybe(Texts),
  client_name: maybe(z.string()),
  client_uri: maybe(SafeUrl),
  logo_uri: UrlOrNothing,
  scope: maybe(z.string()),
  contacts: maybe(Texts),
  tos_uri: UrlOrNothing,
  policy_uri: maybe(z.string()),
  jwks_uri: maybe(SafeUrl),
  software_id: maybe(z.string()),
  software_version: maybe(z.string()),
  software_statement: maybe(z.string()),
})

/** One member that has the wrong shape. */
export interface ShapeFault {
  readonly member: string
  readonly problem: 'is null' | 'is missing' | 'has the wrong type'
}

/**
 * Lists what a document lacks by one of the schemas. SDK clients end with a ZodError at any of them.
 *
 * @param dependents - members whose absence another check reports.
 */
export function findShapeFaults(
  schema: z.ZodMiniType,
  document: Readonly<Record<string, unknown>>,
): readonly ShapeFault[] {
  const issues = schema.safeParse(document).error?.issues ?? []
  const members = [...new Set(issues.map(({ path }) => String(path[0] ?? '')))]
  return members.map((member) => {
    const value = document[member]
    const problem =
      value === null ? 'is null' : value === undefined ? 'is missing' : 'has the wrong type'
    return { member, problem }
  })
}
