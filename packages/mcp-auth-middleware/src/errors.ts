/** Every code that an {@link AuthError} can carry. */
export const AUTH_ERROR_CODES = [
  'ERR_CONFIGURATION',
  'ERR_ISSUER_UNAVAILABLE',
  'ERR_CREDENTIAL_REQUIRED',
  'ERR_STORE_UNAVAILABLE',
  'ERR_STORE_INTEGRITY',
  'ERR_STORE_CONFLICT',
  'ERR_STORE_INVALID',
  'ERR_STORE_UNSUPPORTED',
] as const

/** Stable code of a local error. Callers branch on it, never on the class or the message. */
export type AuthErrorCode = (typeof AUTH_ERROR_CODES)[number]

// Shared by every copy of this package in a process, so that two installed copies still recognise
// each other's errors.
const authErrorBrand: unique symbol = Symbol.for(
  '@bestviable/mcp-auth-middleware/AuthError',
) as never
const oauthErrorBrand: unique symbol = Symbol.for(
  '@bestviable/mcp-auth-middleware/OAuthError',
) as never

/** Base class of every local error. A local error never reaches an HTTP client. */
export abstract class AuthError extends Error {
  abstract readonly code: AuthErrorCode
  readonly [authErrorBrand] = true

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** One option that was refused, as listed by {@link ConfigurationError}. */
export interface ConfigurationProblem {
  /** Path of the option, for example `validators[0].audience`. */
  readonly path: string
  /** What is wrong with it and what to write instead. */
  readonly message: string
}

/** Options were refused when an object was built. Lists every bad field, not only the first. */
export class ConfigurationError extends AuthError {
  override readonly code: 'ERR_CONFIGURATION' = 'ERR_CONFIGURATION'

  /** Every refused option, in the order of the options. */
  readonly problems: readonly ConfigurationProblem[]

  constructor(subject: string, problems: readonly ConfigurationProblem[], options?: ErrorOptions) {
    const lines = problems.map(({ path, message }) => `  ${path}: ${message}`)
    super(
      `${subject}: ${problems.length === 1 ? 'one option is' : `${problems.length} options are`} not usable\n${lines.join('\n')}`,
      options,
    )
    this.problems = problems
  }
}

/** The issuer's metadata, JWK Set or introspection endpoint could not be used. No token was judged. */
export class IssuerUnavailableError extends AuthError {
  override readonly code: 'ERR_ISSUER_UNAVAILABLE' = 'ERR_ISSUER_UNAVAILABLE'

  readonly issuer: string
  /** Seconds after which another attempt will be made, 1 to 60. */
  readonly retryAfterSeconds: number

  constructor(issuer: string, retryAfterSeconds: number, options?: ErrorOptions) {
    super(`issuer ${JSON.stringify(issuer)} could not be reached`, options)
    this.issuer = issuer
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** No upstream credential is stored for this caller. A person can supply one at `connectUrl`. */
export class CredentialRequiredError extends AuthError {
  override readonly code: 'ERR_CREDENTIAL_REQUIRED' = 'ERR_CREDENTIAL_REQUIRED'

  readonly provider: string
  /** Where the caller connects the provider; `undefined` when no such page was configured. */
  readonly connectUrl: string | undefined

  constructor(provider: string, connectUrl?: string, options?: ErrorOptions) {
    super(`no ${JSON.stringify(provider)} credential is stored for this caller`, options)
    this.provider = provider
    this.connectUrl = connectUrl
  }
}

/** The store did not answer in time or is unreachable. Retryable; says nothing about the credential. */
export class StoreUnavailableError extends AuthError {
  override readonly code: 'ERR_STORE_UNAVAILABLE' = 'ERR_STORE_UNAVAILABLE'
}

/** A stored credential failed decryption, authentication or parsing. Never treated as absence. */
export class StoreIntegrityError extends AuthError {
  override readonly code: 'ERR_STORE_INTEGRITY' = 'ERR_STORE_INTEGRITY'
}

/** A conditional write lost: the stored version is another one. */
export class StoreConflictError extends AuthError {
  override readonly code: 'ERR_STORE_CONFLICT' = 'ERR_STORE_CONFLICT'
}

/** A key or a credential that no store accepts, such as an empty secret. */
export class StoreInvalidError extends AuthError {
  override readonly code: 'ERR_STORE_INVALID' = 'ERR_STORE_INVALID'
}

/** The store lacks this capability; it is never emulated. */
export class StoreUnsupportedError extends AuthError {
  override readonly code: 'ERR_STORE_UNSUPPORTED' = 'ERR_STORE_UNSUPPORTED'
}

/** Error codes that cross the wire (RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 9728). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'access_denied'
  | 'temporarily_unavailable'
  | 'server_error'

/** The only error that crosses the wire: an OAuth error code, a fixed description and a status. */
export class OAuthError extends Error {
  readonly [oauthErrorBrand] = true
  readonly error: OAuthErrorCode
  readonly status: number

  constructor(error: OAuthErrorCode, description: string, status: number, options?: ErrorOptions) {
    super(description, options)
    this.name = 'OAuthError'
    this.error = error
    this.status = status
  }
}

function hasBrand(value: unknown, brand: symbol): boolean {
  return typeof value === 'object' && value !== null && Reflect.get(value, brand) === true
}

/** Tells whether a value is an {@link AuthError} of any copy of this package. */
export function isAuthError(value: unknown): value is AuthError {
  return hasBrand(value, authErrorBrand)
}

/** Tells whether a value is an {@link OAuthError} of any copy of this package. */
export function isOAuthError(value: unknown): value is OAuthError {
  return hasBrand(value, oauthErrorBrand)
}
