import { parseClientMetadata, readText, type UncheckedMetadata } from './client-metadata.js'
import type { ClientMetadata, RedirectPolicy, RegistrationResult } from './client-policy.js'
import { MetadataRefusal } from './metadata-refusal.js'

type AuthMethod = ClientMetadata['token_endpoint_auth_method']

const AUTH_METHODS: readonly AuthMethod[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
]

function parseAuthMethod(body: UncheckedMetadata): AuthMethod {
  // RFC 7591 section 2 names the default.
  const asked = readText(body, 'token_endpoint_auth_method') ?? 'client_secret_basic'
  const method = AUTH_METHODS.find((known) => known === asked)
  if (method !== undefined) return method
  throw new MetadataRefusal(
    'invalid_client_metadata',
    `token_endpoint_auth_method must be one of ${AUTH_METHODS.join(', ')}`,
  )
}

function isRecord(value: unknown): value is UncheckedMetadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Checks and normalises the parsed body of a dynamic client registration request. Pure: nothing is
 * fetched or stored, and the size of the body is the caller's to limit.
 *
 * Drops `scope`, `software_statement`, everything that only the server decides (such as `client_id` and
 * `client_secret`) and unknown members. Leaves out grants and redirect URIs that this server does not
 * offer, as long as others remain.
 *
 * @see RFC 7591 sections 2 and 3.2.2
 */
export function parseRegistration(
  body: unknown,
  options: { readonly redirectPolicy: RedirectPolicy },
): RegistrationResult {
  if (!isRecord(body)) {
    return {
      ok: false,
      error: 'invalid_client_metadata',
      description: 'the body must be a JSON object',
    }
  }
  try {
    const method = parseAuthMethod(body)
    return { ok: true, metadata: parseClientMetadata(body, options.redirectPolicy, [method]) }
  } catch (error) {
    if (!(error instanceof MetadataRefusal)) throw error
    return { ok: false, error: error.error, description: error.message }
  }
}
