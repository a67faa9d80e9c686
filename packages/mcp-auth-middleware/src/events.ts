import type { ValidatorIncident } from './validators/validator.js'

/** Outcome of one request, in the words of `docs/reference/responses.md`. */
export type RequestOutcome =
  | 'accepted'
  | 'unauthenticated'
  | 'malformed'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'forbidden'
  | 'not_found'
  | 'bad_message'
  | 'unavailable'
  | 'server_error'

/** One guarded request was answered or handed to the handler. */
export interface RequestEvent {
  readonly type: 'request'
  /** Epoch milliseconds. */
  readonly time: number
  /** From `X-Request-Id` when that is a plain identifier, else random. */
  readonly requestId: string
  readonly outcome: RequestOutcome
  /** Short snake_case code of the check that decided, for example `audience_mismatch`. */
  readonly reason: string
  /** HTTP status of a refusal; absent when the handler answers. */
  readonly status?: number | undefined
  readonly method: string
  /** Canonical identifier of the resource that was asked for. */
  readonly resource?: string | undefined
  readonly validator?: string | undefined
  readonly principal?:
    | {
        readonly issuer: string
        readonly subject: string
        readonly clientId?: string | undefined
      }
    | undefined
  /** Where the verdict came from: the verified-token cache or a full validation. */
  readonly cached?: boolean | undefined
}

/** Something happened that is not about one request, such as a key set that cannot be fetched. */
export interface IncidentEvent extends ValidatorIncident {
  readonly type: 'incident'
  readonly time: number
}

/** Everything that the core reports. Never contains a credential, a header or a body. */
export type AuthEvent = RequestEvent | IncidentEvent

/**
 * Receives events. Called synchronously and never waited for; what it throws, or what a promise that
 * it returns is rejected with, is ignored.
 */
export type AuthEventListener = (event: AuthEvent) => void

/** Calls a listener in a way that its failure can never change the outcome of a request. */
export function emit(listener: AuthEventListener | undefined, event: AuthEvent): void {
  if (listener === undefined) return
  try {
    const result: unknown = listener(event)
    // An async listener fits the type; its rejection would end the process.
    if (result instanceof Promise) result.catch(() => undefined)
  } catch {
    // Observing a request must not be able to break it.
  }
}

const PLAIN_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The caller's request id when it cannot forge a log line, else a random one. */
export function requestIdFrom(header: string | undefined): string {
  return header !== undefined && PLAIN_REQUEST_ID.test(header)
    ? header
    : globalThis.crypto.randomUUID()
}
