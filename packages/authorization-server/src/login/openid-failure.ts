import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import type { LoginResult } from './login-provider.js'

const denied = (reason: string): LoginResult => ({ kind: 'denied', reason })
const invalid = (reason: string): LoginResult => ({ kind: 'invalid', reason })
const unavailable = (reason: string): LoginResult => ({ kind: 'unavailable', reason })

/** Error codes of the upstream by what they mean for a sign-in; all others make the answer invalid. */
const DENIED: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'login_required',
])
const OUTAGES: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable'])
/** The upstream does not know our own client: nobody's sign-in is wrong. */
const CLIENT_REFUSALS: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client'])

const CLAIMS: ReadonlySet<unknown> = new Set(['iss', 'aud', 'azp', 'nonce', 'exp', 'nbf'])

function describeCode(code: string, otherwise: string): LoginResult {
  if (DENIED.has(code)) return denied(code)
  if (OUTAGES.has(code)) return unavailable('upstream_error')
  if (CLIENT_REFUSALS.has(code)) return unavailable('client_refused')
  return invalid(code === 'invalid_grant' ? 'code_refused' : otherwise)
}

/** The details that the protocol library attaches to an error: it wraps its own errors up to twice. */
function readDetails(error: ClientError): Readonly<Record<string, unknown>> {
  let details: unknown = error.cause
  while (details instanceof Error) details = details.cause
  return typeof details === 'object' && details !== null
    ? Object.fromEntries(Object.entries(details))
    : {}
}

function describeTokenFailure(error: ClientError): string {
  const { candidates, claim, claims, header, reason, signature } = readDetails(error)
  if (CLAIMS.has(claim)) return `id_token_${String(claim)}`
  if (signature !== undefined) return 'id_token_signature'
  if (candidates !== undefined) return 'id_token_key'
  if (header !== undefined) return reason === undefined ? 'id_token_header' : 'id_token_algorithm'
  if (claims !== undefined) return 'id_token_claims'
  return 'answer_malformed'
}

/**
 * Says what an error of the protocol library means. Only fixed words come out: the texts that an
 * upstream or the visitor's browser put into an error are neither returned nor kept.
 */
export function describeOpenidFailure(error: unknown): LoginResult {
  if (error instanceof AuthorizationResponseError) {
    return describeCode(error.error, 'authorization_refused')
  }
  if (error instanceof ResponseBodyError) return describeCode(error.error, 'token_refused')
  if (error instanceof ClientError) return invalid(describeTokenFailure(error))
  return invalid('answer_malformed')
}
