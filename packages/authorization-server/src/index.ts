export type { RedirectPolicy } from './clients/client-policy.js'
export type { AuthorizationServer } from './engine/assemble.js'
export { createAuthorizationServer } from './engine/create-authorization-server.js'
export type { AuthorizationServerEvent } from './engine/events.js'
export type { AuthorizationServerMetadata } from './engine/metadata.js'
export type { Lifetimes, ScopePolicy } from './engine/parts.js'
export type { Router } from './engine/router.js'
export type { TrustProxy } from './limits/client-address.js'
export type { LimitName, RateLimit, RateLimitOptions } from './limits/limit-options.js'
export { type ApiTokenLoginOptions, apiTokenLogin } from './login/api-token-login.js'
export { type CognitoOptions, cognito } from './login/cognito.js'
export { type DevLoginOptions, devLogin } from './login/dev-login.js'
export { type GoogleOptions, google } from './login/google.js'
export type {
  AdmissionRules,
  ApiTokenAccount,
  ApiTokenLogin,
  DevLogin,
  LoginProvider,
  LoginResult,
  RedirectLogin,
  RedirectState,
  VerifiedIdentity,
} from './login/login-provider.js'
export { type MicrosoftOptions, microsoft } from './login/microsoft.js'
export { type OidcOptions, oidc } from './login/oidc.js'
export type { FirstAdmin } from './management/first-admin.js'
export type * from './management/management.js'
export type { AuthorizationServerOptions, ResourceOption } from './options.js'
export type { PagesOptions } from './pages/options.js'
export type { Brand } from './pages/pages.js'
export type { AuthorizationServerEventName } from './storage/event-names.js'
export type { AuditInput, UserProfile, UserRole, UserStatus } from './storage/storage.js'
