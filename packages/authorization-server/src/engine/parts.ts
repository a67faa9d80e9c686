import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type {
  ClientDocuments,
  ClientMetadata,
  RegistrationResult,
} from '../clients/client-policy.js'
import type { PublicFetch } from '../clients/public-fetch.js'
import type { AddressReader } from '../limits/client-address.js'
import type { RateLimits } from '../limits/rate-limits.js'
import type { Admission, ApiTokenLogin, LoginProvider } from '../login/login-provider.js'
import type { FirstAdmin } from '../management/first-admin.js'
import type { Pages } from '../pages/pages.js'
import type { Storage, UserProfile } from '../storage/storage.js'
import type { EventSink } from './events.js'
import type { Resources } from './resources.js'
import type { Secrets } from './secrets.js'

/** How long things live, in seconds. */
export interface Lifetimes {
  readonly accessToken: number
  readonly refreshToken: number
  readonly grant: number
  readonly code: number
  readonly session: number
  /** Time to sign in and consent. */
  readonly interaction: number
  /** Age of a federated sign-in after which refreshing ends, and of any sign-in after which its session does. */
  readonly federatedSignIn: number
}

/**
 * Decides which of the asked scopes a user gets. Asked at consent and at each refresh, each time outside of
 * any transaction: it may use the same database.
 */
export type ScopePolicy = (request: {
  readonly user: UserProfile
  readonly client: { readonly clientId: string; readonly clientName?: string | undefined }
  readonly resource: string
  readonly requested: readonly string[]
}) => readonly string[] | Promise<readonly string[]>

/** The step between sign-in and consent in which a person connects an upstream account. */
export interface ConnectOption {
  readonly login: ApiTokenLogin
  /** Whether the step may be left out. */
  readonly optional: boolean
}

/** Everything that the engine is made of. Built once from the options. */
export interface EngineParts {
  readonly issuer: string
  readonly resources: Resources
  readonly lifetimes: Lifetimes
  readonly algorithm: 'ES256' | 'RS256'
  readonly consent: 'once' | 'always'
  readonly dynamicRegistration: boolean
  /** After how many days without use a dynamic client that holds nothing goes. */
  readonly unusedClientDays: number
  /** After how many days an event of the audit trail goes. */
  readonly auditRetentionDays: number | false
  readonly clientDocuments: boolean
  readonly pushedAuthorizationRequests: boolean
  readonly dpop: boolean
  readonly resourceServerClients: readonly string[]
  readonly scopePolicy: ScopePolicy | undefined
  readonly logins: readonly LoginProvider[]
  readonly connect: ConnectOption | undefined
  readonly firstAdmin: FirstAdmin | undefined
  readonly credentials: TokenStore | undefined
  readonly storage: Storage
  readonly pages: Pages
  readonly admission: Admission
  readonly documents: ClientDocuments | undefined
  /** Gets the keys of clients, from public addresses only. */
  readonly publicFetch: PublicFetch
  /** Checks a body of RFC 7591, already parsed as JSON. */
  readonly parseRegistration: (body: unknown) => RegistrationResult
  /** Names a public registration, so that equal ones share a row. */
  readonly registrationId: (metadata: ClientMetadata) => string
  readonly isRedirectAllowed: (
    client: Pick<ClientMetadata, 'redirect_uris' | 'application_type'>,
    redirectUri: string,
  ) => boolean
  readonly secrets: Secrets
  readonly events: EventSink
  readonly limits: RateLimits
  /** Tells who a request comes from. */
  readonly addresses: AddressReader
  /** Epoch milliseconds. */
  readonly now: () => number
}
