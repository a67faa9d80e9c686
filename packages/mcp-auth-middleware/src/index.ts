export {
  createMcpAuth,
  type McpAuth,
  type PassOutcome,
  type ResourceDescription,
  type ValidatorDescription,
} from './create-mcp-auth.js'
export {
  AUTH_ERROR_CODES,
  AuthError,
  type AuthErrorCode,
  ConfigurationError,
  type ConfigurationProblem,
  CredentialRequiredError,
  IssuerUnavailableError,
  isAuthError,
  isOAuthError,
  OAuthError,
  type OAuthErrorCode,
  StoreConflictError,
  StoreIntegrityError,
  StoreInvalidError,
  StoreUnavailableError,
  StoreUnsupportedError,
} from './errors.js'
export type {
  AuthEvent,
  AuthEventListener,
  IncidentEvent,
  RequestEvent,
  RequestOutcome,
} from './events.js'
export type { FetchHandler } from './fetch.js'
export type { VerifiedTokenCacheOptions } from './jwt/verified-token-cache.js'
export type { McpAuthOptions } from './mcp-auth-options.js'
export type { ProtectedResourceMetadata } from './metadata/protected-resource-metadata.js'
export type { Principal } from './principal.js'
export type { AllowOptions } from './resource-server/allow-list.js'
export { type AuthInfo, principalOf } from './resource-server/auth-info.js'
export { type BearerChallenge, formatBearerChallenge } from './resource-server/challenge.js'
export type {
  AcceptedOutcome,
  Guard,
  GuardOptions,
  GuardOutcome,
  PreparedCredentials,
} from './resource-server/guard.js'
export {
  type ParsedMessage,
  parseMessage,
  parseMessageBytes,
  parseMessageText,
} from './resource-server/json-rpc-message.js'
export type { Operation, ScopeOptions } from './resource-server/operation-scopes.js'
export type { RequestView } from './resource-server/request-view.js'
export type { ResourceOptions } from './resource-server/resource-options.js'
export type { ResponseOutcome } from './resource-server/responses.js'
export {
  createRevocationList,
  type RevocationList,
  type RevocationSource,
} from './resource-server/revocation.js'
export type {
  CredentialSelector,
  TokenValidator,
  ValidationContext,
  ValidatorHost,
  ValidatorIncident,
  Verdict,
  VerdictReuse,
} from './validators/validator.js'
