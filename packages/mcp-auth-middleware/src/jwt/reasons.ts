/**
 * Every reason for which a JWT is refused, for events and `doctor --token`. They never reach the
 * client, to whom all refusals look alike.
 *
 * A preset adds its own words through `tokenKind` and `principal`.
 */
export const JWT_REASONS = [
  // Shape, in the order of the checks.
  'token_too_long',
  'malformed_token',
  'header_invalid',
  'alg_not_allowed',
  'typ_not_allowed',
  'critical_header',
  'kid_invalid',
  'payload_invalid',
  // Claims.
  'issuer_mismatch',
  'audience_missing',
  'audience_invalid',
  'audience_mismatch',
  'exp_missing',
  'exp_invalid',
  'token_expired',
  'lifetime_too_long',
  'nbf_invalid',
  'not_yet_valid',
  'iat_invalid',
  'iat_in_future',
  'iat_after_exp',
  'subject_missing',
  'subject_invalid',
  'jti_invalid',
  'sender_constrained',
  'id_token',
  'claim_missing',
  'client_id_invalid',
  'client_not_listed',
  'scope_invalid',
  // Keys and signature.
  'unknown_key',
  'key_alg_mismatch',
  'key_issuer_mismatch',
  'bad_signature',
] as const

/** One of {@link JWT_REASONS}. */
export type JwtReason = (typeof JWT_REASONS)[number]

/** Why the keys of an issuer could not be had. Says nothing about any token. */
export const KEY_FETCH_REASONS = [
  'timeout',
  'network_error',
  'redirected',
  'http_status',
  'body_too_large',
  'not_json',
  'not_a_key_set',
  'too_many_keys',
  'no_keys',
  'metadata_invalid',
  'issuer_mismatch',
  'jwks_uri_invalid',
  'back_off',
] as const

/** One of {@link KEY_FETCH_REASONS}. */
export type KeyFetchReason = (typeof KEY_FETCH_REASONS)[number]
