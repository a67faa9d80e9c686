/**
 * What a failed call of the SDK says. The SDK's error classes are not exported and carry no status, so
 * that the text is all there is.
 */
export type SdkFailure =
  /** The server answered with a status, and with a text where its body had one. */
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  /** No answer: refused, reset, or none within the SDK's own 10 s per attempt. */
  | { readonly kind: 'unreachable' }
  /** Anything else, such as an answer that is no JSON. */
  | { readonly kind: 'unknown' }

// Lazy, because a site URL with an IPv6 literal holds a bracket too; dotAll, because the text of the
// server may have line ends.
const REQUEST_ERROR = /^\[URL=.*?\] \[Method=[A-Z]+\] \[StatusCode=(\d{3})\] (.*)$/s
const STATUS_ONLY = /^Request failed with status (\d{3})$/
const UNREACHABLE = /^(?:fetch failed|This operation was aborted|terminated)$/

/** Reads the text of an SDK error. The result holds no URL, which would name the project and secret. */
export function parseSdkError(error: unknown): SdkFailure {
  const message = error instanceof Error ? error.message : ''
  const request = REQUEST_ERROR.exec(message)
  if (request !== null) {
    return { kind: 'answered', status: Number(request[1]), text: request[2] ?? '' }
  }
  const status = STATUS_ONLY.exec(message)?.[1]
  if (status !== undefined) return { kind: 'answered', status: Number(status), text: '' }
  return { kind: UNREACHABLE.test(message) ? 'unreachable' : 'unknown' }
}

/** Tells whether the access token was refused, as opposed to a permission that is missing. */
export function isTokenRefusal(failure: SdkFailure): boolean {
  if (failure.kind !== 'answered') return false
  if (failure.status === 401) return true
  // An expired token is a 403 like a missing permission; only the text tells them apart.
  return (
    failure.status === 403 &&
    /token has expired|access token is malformed|invalid signature|invalid algorithm|jwt /i.test(
      failure.text,
    )
  )
}

/** Tells whether the failure says that Infisical is not well, as opposed to what was asked of it. */
export function isOutage(failure: SdkFailure): boolean {
  return failure.kind !== 'answered' || failure.status === 429 || failure.status >= 500
}

const ACTION = /^You are not allowed to ([A-Za-z-]{1,40}) on ([A-Za-z-]{1,40})/
const READ_VALUE = /permission to view secret value/

/** Names the permission that a 403 is about, in words that the permission page of Infisical uses. */
export function missingPermission(text: string, fallback: string): string {
  if (READ_VALUE.test(text)) return 'read the value of secrets'
  const action = ACTION.exec(text)
  return action === null ? fallback : `${action[1]} on ${action[2]}`
}
