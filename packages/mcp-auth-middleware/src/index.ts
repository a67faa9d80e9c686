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
export type { JwsAlgorithm } from './jwt/algorithms.js'
export type { KeySource } from './jwt/key-source.js'
export {
  JWT_REASONS,
  type JwtReason,
  KEY_FETCH_REASONS,
  type KeyFetchReason,
} from './jwt/reasons.js'
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
} from './resource-server/guard.js'
export {
  type ParsedMessage,
  parseMessage,
  parseMessageBytes,
  parseMessageText,
} from './resource-server/json-rpc-message.js'
export type { Operation, ScopeOptions } from './resource-server/operation-scopes.js'
export type { PreparedCredentials } from './resource-server/prepared-credentials.js'
export type { RequestView } from './resource-server/request-view.js'
export type { ResourceOptions } from './resource-server/resource-options.js'
export type { ResponseOutcome } from './resource-server/responses.js'
export {
  createRevocationList,
  type RevocationList,
  type RevocationSource,
} from './resource-server/revocation.js'
export {
  type AuditSink,
  type CredentialAuditDetails,
  type CredentialAuditEvent,
  createCredentialAudit,
} from './token-store/audit.js'
export {
  type CachedTokenStore,
  type CachedTokenStoreOptions,
  cachedTokenStore,
} from './token-store/cached-token-store.js'
export type { CallerAuthInfo } from './token-store/caller.js'
export { createCredential, validateCredentialInput } from './token-store/credential.js'
export {
  credentialKeyId,
  isCredentialName,
  validateCredentialKey,
} from './token-store/credential-key.js'
export {
  type CredentialResolution,
  type Credentials,
  type CredentialsOptions,
  createCredentials,
} from './token-store/credentials.js'
export {
  createMemoryStorage,
  type MemoryStorage,
  type MemoryTokenStoreOptions,
  memoryTokenStore,
} from './token-store/memory-token-store.js'
export type { Preference, Relation } from './token-store/migration/compare-key.js'
export { credentialDigest } from './token-store/migration/credential-digest.js'
export {
  type DualWriteTokenStoreOptions,
  dualWriteTokenStore,
} from './token-store/migration/dual-write-token-store.js'
export {
  type FinishMigrationOptions,
  type FinishOutcome,
  type FinishReport,
  finishMigration,
} from './token-store/migration/finish-migration.js'
export {
  type MigrateCredentialsOptions,
  migrateCredentials,
} from './token-store/migration/migrate-credentials.js'
export type { CredentialProbe, MigrationOutcome } from './token-store/migration/migrate-key.js'
export type { MigrationOptions } from './token-store/migration/migration-options.js'
export {
  type MigrationEntry,
  MigrationInterruptedError,
  type MigrationProgress,
  type MigrationReport,
} from './token-store/migration/migration-report.js'
export {
  type ReadNewTokenStoreOptions,
  readNewTokenStore,
} from './token-store/migration/read-new-token-store.js'
export {
  type VerificationReport,
  verifyMigration,
} from './token-store/migration/verify-migration.js'
export { placeholderReason } from './token-store/placeholder.js'
export type { RefreshContext, RefreshCredential } from './token-store/refresh-credential.js'
export type {
  Credential,
  CredentialDeleteOptions,
  CredentialGetOptions,
  CredentialInput,
  CredentialKey,
  CredentialKeyFilter,
  CredentialOwner,
  CredentialSetOptions,
  Lease,
  TokenStore,
  TokenStoreCapabilities,
  Tombstone,
} from './token-store/token-store.js'
export { createVersion } from './token-store/version.js'
export {
  digestBearerToken,
  generateBearerToken,
  parseBearerTokens,
} from './validators/bearer-tokens.js'
export { type CloudflareAccessOptions, cloudflareAccess } from './validators/cloudflare-access.js'
export { type IntrospectionOptions, introspection } from './validators/introspection.js'
export { type JwtOptions, jwt } from './validators/jwt.js'
export {
  createJwtProfileValidator,
  type IssuerTemplate,
  type JwtClaims,
  type JwtProfile,
  type PrincipalFields,
  type ProfileRefusal,
} from './validators/jwt-profile.js'
export {
  type LocalBearerToken,
  type LocalBearerTokens,
  localBearer,
} from './validators/local-bearer.js'
export { type OidcOptions, oidc } from './validators/oidc.js'
export { type Auth0Options, auth0 } from './validators/presets/auth0.js'
export { type ClerkOptions, clerk } from './validators/presets/clerk.js'
export { type CognitoOptions, cognito } from './validators/presets/cognito.js'
export { type DescopeOptions, descope } from './validators/presets/descope.js'
export { type EntraOptions, entra } from './validators/presets/entra.js'
export { type KeycloakOptions, keycloak } from './validators/presets/keycloak.js'
export { type OktaOptions, okta } from './validators/presets/okta.js'
export type { PresetOptions } from './validators/presets/preset.js'
export { type SupabaseOptions, supabase } from './validators/presets/supabase.js'
export { type WorkosOptions, workos } from './validators/presets/workos.js'
export { type StytchOptions, stytch } from './validators/stytch.js'
export type {
  CredentialSelector,
  TokenValidator,
  ValidationContext,
  ValidatorHost,
  ValidatorIncident,
  Verdict,
  VerdictReuse,
} from './validators/validator.js'
export type { VerificationOptions } from './validators/verification-options.js'
