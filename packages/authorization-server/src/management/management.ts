import type {
  AuditTrailEntry,
  SigningKeyState,
  UserProfile,
  UserRole,
  UserStatus,
} from '../storage/storage.js'

/** Who makes a change, for the audit trail. */
export interface AdminActor {
  /** Issuer of the identity; for a command line `cli`. */
  readonly issuer: string
  readonly subject: string
}

/** What every change may be told. */
export interface ChangeOptions {
  readonly actor?: AdminActor | undefined
}

/** One page of a list. */
export interface PageOptions {
  /** Id of the last entry of the page before. */
  readonly after?: string | undefined
  /** At most 1,000. Default 100. */
  readonly limit?: number | undefined
}

/** How many there are. */
export interface UserStats {
  readonly users: number
  readonly suspended: number
  readonly invited: number
  /** Monthly active principals: distinct users who signed in or were issued a token in the last 30 days. */
  readonly activeUsers: number
  /** Days that `activeUsers` looks back. */
  readonly days: number
}

/** What erasing a user removed. */
export interface ErasedUser {
  readonly userId: string
  /** Connections of apps that were ended. */
  readonly sessions: number
  /** Upstream credentials that were deleted. */
  readonly credentials: number
  /** Audit events from which the user was taken, as the actor or as what they are about. */
  readonly auditEvents: number
}

/** Users and invitations. A user is named by id, or by e-mail where that is not ambiguous. */
export interface UserManagement {
  /** Finds a user or an invitation; `undefined` when there is none. Rejects an e-mail of several. */
  find(userIdOrEmail: string): Promise<UserProfile | undefined>
  /** A page of users and invitations; `status` leaves the others out. */
  list(
    options?: PageOptions & { readonly status?: UserStatus | undefined },
  ): Promise<readonly UserProfile[]>
  /**
   * Lets an e-mail address in: invites it, or activates the suspended user who has it. Bound to the first
   * verified sign-in with that address, whose provider says the name; `name` is shown until then.
   */
  allow(
    email: string,
    options?: ChangeOptions & {
      readonly role?: UserRole | undefined
      readonly name?: string | undefined
    },
  ): Promise<UserProfile>
  /** Keeps a user out and ends sessions, refresh and access tokens on all replicas within a second. */
  suspend(userIdOrEmail: string, options?: ChangeOptions): Promise<UserProfile>
  /** Lets a suspended user in again. Apps have to be connected anew. */
  activate(userIdOrEmail: string, options?: ChangeOptions): Promise<UserProfile>
  /** Makes a user an admin, or an ordinary user again. */
  setRole(userIdOrEmail: string, role: UserRole, options?: ChangeOptions): Promise<UserProfile>
  /**
   * Removes everything about a user: sessions, grants, tokens, upstream credentials, profile. Audit events
   * stay under a pseudonym that nothing leads back from. Can be repeated after a failure.
   */
  erase(userIdOrEmail: string, options?: ChangeOptions): Promise<ErasedUser>
  /** `days` defaults to 30. */
  stats(options?: { readonly days?: number | undefined }): Promise<UserStats>
}

/** How a client proves who it is. */
export type ClientAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'

/** A client to register. Checked by the same rules as RFC 7591 registrations. */
export interface ClientInput {
  /** What people read on the consent page. */
  readonly clientName: string
  /** Required for `authorization_code`. */
  readonly redirectUris?: readonly string[] | undefined
  /** Default `none`; with `grantTypes: ['client_credentials']` alone `client_secret_basic`. */
  readonly tokenEndpointAuthMethod?: ClientAuthMethod | undefined
  /** Default `['authorization_code', 'refresh_token']`. */
  readonly grantTypes?:
    | readonly ('authorization_code' | 'refresh_token' | 'client_credentials')[]
    | undefined
  /** Public keys for `private_key_jwt`: one of the two. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined
  /** Where the public keys are, by https. */
  readonly jwksUri?: string | undefined
  /** Scopes that `client_credentials` may give; needed there, since no person decides about them. */
  readonly scopes?: readonly string[] | undefined
}

/** A client as operators see it, without any secret. */
export interface ManagedClient {
  readonly clientId: string
  readonly clientName?: string | undefined
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly tokenEndpointAuthMethod: ClientAuthMethod
  /**
   * `dynamic`: by RFC 7591, removed when unused; `registered`: by an operator; `document`: its id is the
   * URL of its metadata document, which alone says its redirect URIs, grants and method: they are not
   * known here. Listed while somebody has connected it, and when it was turned off.
   */
  readonly origin: 'dynamic' | 'registered' | 'document'
  readonly active: boolean
  /** Epoch seconds. */
  readonly createdAt: number
  readonly lastUsedAt?: number | undefined
}

/** A client together with a secret that is shown this once and stored as a hash only. */
export interface ClientWithSecret {
  readonly client: ManagedClient
  /** 256 random bits in base64url. Absent for clients without a secret. */
  readonly clientSecret?: string | undefined
}

/** Clients: pre-registered ones, those of RFC 7591, and those by a metadata document that somebody uses. */
export interface ClientManagement {
  /** Finds a client by its id; `undefined` when there is none. */
  find(clientId: string): Promise<ManagedClient | undefined>
  /** A page of clients, with those that were turned off. */
  list(options?: PageOptions): Promise<readonly ManagedClient[]>
  /** Registers a client, and makes its secret where its method needs one. */
  create(input: ClientInput, options?: ChangeOptions): Promise<ClientWithSecret>
  /** Puts a new secret in place of the old one, which ends at once. */
  rotateSecret(clientId: string, options?: ChangeOptions): Promise<ClientWithSecret>
  /**
   * Turns a client off and ends every grant and token of it on all replicas within a second. Its row stays,
   * so that an id that names a metadata document does not come back.
   */
  revoke(clientId: string, options?: ChangeOptions): Promise<ManagedClient>
}

/** One app that a user connected, until that ends. */
export interface ConnectedApp {
  /** Names the connection in `revoke`. No credential. */
  readonly sessionId: string
  readonly userId?: string | undefined
  readonly clientId: string
  readonly clientName?: string | undefined
  /** Where the answer went when it was connected, or the host of its document. */
  readonly clientHost?: string | undefined
  readonly resource?: string | undefined
  readonly scopes: readonly string[]
  /** Epoch seconds. */
  readonly createdAt: number
  /** When a token was last issued for it. */
  readonly lastUsedAt?: number | undefined
  readonly expiresAt?: number | undefined
}

/** Connections of apps, and the browser sessions behind them. */
export interface SessionManagement {
  /** A page of connections; `user` and `clientId` leave the others out. */
  list(
    options?: PageOptions & {
      readonly user?: string | undefined
      readonly clientId?: string | undefined
    },
  ): Promise<readonly ConnectedApp[]>
  /** Ends one connection on all replicas within a second. `false` when there is none. */
  revoke(sessionId: string, options?: ChangeOptions): Promise<boolean>
  /** Ends every connection and every browser session of a user; tells how many connections. */
  revokeUser(userIdOrEmail: string, options?: ChangeOptions): Promise<number>
}

/** A signing key without its private part. */
export interface SigningKeyStatus {
  readonly kid: string
  readonly algorithm: 'ES256' | 'RS256'
  readonly state: SigningKeyState
  /** Epoch seconds. */
  readonly createdAt: number
  readonly signsFrom: number
  readonly removeAt?: number | undefined
}

/** The keys that sign access tokens and ID tokens. */
export interface SigningKeyManagement {
  /** All keys that are published or will be, without their private parts. */
  status(): Promise<readonly SigningKeyStatus[]>
  /**
   * Publishes a new key, which signs seven minutes later. `compromised` removes the old keys at once, and
   * with them every access token.
   */
  rotate(
    options?: ChangeOptions & { readonly compromised?: boolean | undefined },
  ): Promise<readonly SigningKeyStatus[]>
}

/** One entry of the audit trail. */
export type AuditEntry = AuditTrailEntry

/** The audit trail, to be read. */
export interface AuditManagement {
  /** Newest first. */
  list(options?: {
    /** Id of the last entry of the page before. */
    readonly before?: string | undefined
    /** At most 1,000. Default 100. */
    readonly limit?: number | undefined
    /** User id of the actor. */
    readonly subject?: string | undefined
    /** Name of the event, such as `sign-in`. */
    readonly event?: string | undefined
  }): Promise<readonly AuditEntry[]>
}

/**
 * What operators do. Methods that name a user, client or session reject with a `ConfigurationError` that
 * names the field when there is none, or when an e-mail names several users.
 */
export interface Management {
  readonly users: UserManagement
  readonly clients: ClientManagement
  readonly sessions: SessionManagement
  readonly signingKeys: SigningKeyManagement
  readonly audit: AuditManagement
}
