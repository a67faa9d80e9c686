import type { OAuthErrorCode } from '../errors.js'
import { formatBearerChallenge } from './challenge.js'

/** A complete answer that an adapter writes as it is. */
export interface ResponseOutcome {
  readonly kind: 'response'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON text, or empty. Not sent for HEAD. */
  readonly body: string
}

/** What challenges of one resource have in common. */
export interface ChallengeOptions {
  readonly resourceMetadata: string | undefined
  readonly scope: readonly string[]
  readonly realm: string | undefined
  readonly resourceMetadataUri: boolean
}

// Fixed texts: nothing from a token, a claim or an upstream answer may reach the wire, and clients
// that search the whole header must not find `scope=` or `error=` inside a description.
const DESCRIPTIONS = {
  unauthorized: 'This resource needs an access token: send it as "Authorization: Bearer <token>".',
  malformed: 'The Authorization header is not of the form Bearer <token>.',
  repeated: 'Send exactly one credential by exactly one method.',
  invalid_token: 'The access token is expired, revoked or not meant for this resource.',
  insufficient_scope: 'The access token lacks a permission that this operation needs.',
  access_denied: 'This caller is not allowed to use this resource.',
  host: 'The Host or Origin of the request is not allowed here.',
  message: 'The body is not a JSON-RPC message that can be authorized.',
  too_large: 'The body is larger than this resource accepts.',
  encoding: 'Send the body as uncompressed UTF-8 JSON.',
  session: 'This session does not exist.',
  not_found: 'There is nothing at this address.',
  method: 'This document is read with GET.',
} as const

function json(
  status: number,
  error: string,
  description: string | undefined,
  extra?: Readonly<Record<string, string>>,
): ResponseOutcome {
  const body = JSON.stringify(
    description === undefined ? { error } : { error, error_description: description },
  )
  return {
    kind: 'response',
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'cache-control': 'no-store',
      ...extra,
    },
    body,
  }
}

/** All refusals of one resource, prebuilt where they never vary. */
export interface Refusals {
  readonly unauthenticated: ResponseOutcome
  readonly malformed: ResponseOutcome
  readonly repeated: ResponseOutcome
  readonly invalidToken: ResponseOutcome
  /** `canStepUp: false` leaves out the challenge, which would send the client in a circle. */
  insufficientScope(scope: readonly string[], canStepUp: boolean): ResponseOutcome
}

/** Refusals that are the same for every resource. */
export const PLAIN_REFUSALS = {
  forbidden: json(403, 'access_denied', DESCRIPTIONS.access_denied),
  hostForbidden: json(403, 'access_denied', DESCRIPTIONS.host),
  sessionUnknown: json(404, 'not_found', DESCRIPTIONS.session),
  notFound: json(404, 'not_found', DESCRIPTIONS.not_found),
  messageUnreadable: json(400, 'invalid_request', DESCRIPTIONS.message),
  // The rest of the body is not read, so the connection cannot be used again.
  messageTooLarge: json(413, 'invalid_request', DESCRIPTIONS.too_large, { connection: 'close' }),
  messageEncoding: json(415, 'invalid_request', DESCRIPTIONS.encoding),
  serverError: json(500, 'server_error' satisfies OAuthErrorCode, undefined),
  methodNotAllowed: json(405, 'invalid_request', DESCRIPTIONS.method, {
    allow: 'GET, HEAD, OPTIONS',
  }),
} as const

/** 503: a dependency could not be used. `retryAfterSeconds` is clamped to 1 to 60. */
export function unavailable(retryAfterSeconds: number): ResponseOutcome {
  const seconds = Math.min(60, Math.max(1, Math.ceil(retryAfterSeconds) || 1))
  return json(503, 'temporarily_unavailable' satisfies OAuthErrorCode, undefined, {
    'retry-after': String(seconds),
  })
}

/** Builds the refusals of one resource. */
export function createRefusals(options: ChallengeOptions): Refusals {
  const { resourceMetadata, scope, realm, resourceMetadataUri } = options
  const shared = { resourceMetadata, realm, resourceMetadataUri }
  const challenge = (parameters: Parameters<typeof formatBearerChallenge>[0]) => ({
    'www-authenticate': formatBearerChallenge({ ...shared, ...parameters }),
  })

  return {
    unauthenticated: json(401, 'unauthorized', DESCRIPTIONS.unauthorized, challenge({ scope })),
    malformed: json(
      401,
      'invalid_token',
      DESCRIPTIONS.malformed,
      challenge({ error: 'invalid_token', scope, errorDescription: DESCRIPTIONS.malformed }),
    ),
    repeated: json(
      400,
      'invalid_request',
      DESCRIPTIONS.repeated,
      challenge({ error: 'invalid_request', errorDescription: DESCRIPTIONS.repeated }),
    ),
    invalidToken: json(
      401,
      'invalid_token',
      DESCRIPTIONS.invalid_token,
      challenge({ error: 'invalid_token', scope, errorDescription: DESCRIPTIONS.invalid_token }),
    ),
    insufficientScope(needed, canStepUp) {
      if (!canStepUp) return json(403, 'insufficient_scope', DESCRIPTIONS.insufficient_scope)
      return json(
        403,
        'insufficient_scope',
        DESCRIPTIONS.insufficient_scope,
        challenge({
          error: 'insufficient_scope',
          scope: needed,
          errorDescription: DESCRIPTIONS.insufficient_scope,
        }),
      )
    },
  }
}

/** A copy of an answer with more headers, or without its challenge. */
export function withHeaders(
  outcome: ResponseOutcome,
  headers: Readonly<Record<string, string>> | undefined,
): ResponseOutcome {
  return headers === undefined
    ? outcome
    : { ...outcome, headers: { ...outcome.headers, ...headers } }
}

/** The same refusal for a request whose challenge is the business of an edge in front of us. */
export function withoutChallenge(outcome: ResponseOutcome): ResponseOutcome {
  const { 'www-authenticate': _challenge, ...headers } = outcome.headers
  return { ...outcome, headers }
}
