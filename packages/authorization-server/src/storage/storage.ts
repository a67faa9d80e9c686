import type { AdapterPayload } from 'oidc-provider'

/** Where the engine keeps one kind of record; the interface is that of oidc-provider. */
export interface RecordStore {
  /** Creates or replaces. `expiresIn` is in seconds; absent: never. */
  upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void>
  /**
   * `undefined` when absent or expired, and for a client that is not active. A consumed record is found,
   * with `consumed` in epoch seconds.
   */
  find(id: string): Promise<AdapterPayload | undefined>
  findByUid(uid: string): Promise<AdapterPayload | undefined>
  findByUserCode(userCode: string): Promise<AdapterPayload | undefined>
  /**
   * Marks as used. Of parallel calls exactly one wins.
   *
   * @throws {@link AlreadyConsumedError} for all others.
   */
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  /** Removes every record of the grant, of all kinds. */
  revokeByGrantId(grantId: string): Promise<void>
}

/** What a user may do. */
export type UserRole = 'admin' | 'user'
export type UserStatus = 'active' | 'suspended' | 'invited'

/** A person, or the holder of an upstream account. `userId` is the `sub` of our tokens. */
export interface UserProfile {
  /** UUID. */
  readonly userId: string
  /** Normalised; not unique. */
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly picture?: string | undefined
  /** Id of the login provider; absent on an invitation. */
  readonly provider?: string | undefined
  /** Issuer of the identity at that provider; identity is issuer + subject. */
  readonly providerIssuer?: string | undefined
  readonly providerUserId?: string | undefined
  readonly status: UserStatus
  readonly role: UserRole
  /** Epoch seconds. */
  readonly createdAt: number
  readonly lastLoginAt?: number | undefined
  readonly updatedAt: number
}

/** An identity that signed in, for {@link UserStore.signIn}. */
export interface SignedInIdentity {
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  /** Only when verified by the rules of the provider. */
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly picture?: string | undefined
}

/** Users and invitations. Every change is audited in its transaction. */
export interface UserStore {
  find(userId: string): Promise<UserProfile | undefined>
  findByIdentity(issuer: string, subject: string): Promise<UserProfile | undefined>
  /** The open invitation of a verified e-mail, bound at the first sign-in. */
  findInvitation(email: string): Promise<UserProfile | undefined>
  /**
   * Creates or updates the profile of an identity, binds an invitation of its e-mail, and counts the
   * sign-in. Parallel first sign-ins of one identity give one profile.
   */
  signIn(identity: SignedInIdentity): Promise<UserProfile>
  /** Creates an invitation; one per e-mail. */
  invite(
    email: string,
    options?: { readonly role?: UserRole; readonly name?: string },
  ): Promise<UserProfile>
  setStatus(userId: string, status: 'active' | 'suspended'): Promise<UserProfile | undefined>
  setRole(userId: string, role: UserRole): Promise<UserProfile | undefined>
  /** Removes the profile. What else belongs to the user is the caller's to remove first. */
  remove(userId: string): Promise<boolean>
  list(options?: {
    readonly after?: string
    readonly limit?: number
  }): Promise<readonly UserProfile[]>
  /** Distinct users who signed in or were issued a token in the last `days`. */
  countActive(days: number): Promise<number>
}

/** One registered client, apart from its secret. */
export interface ClientRecord {
  readonly clientId: string
  readonly clientName?: string | undefined
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  /** `dynamic`: by RFC 7591, removed when unused; `registered`: by an operator. */
  readonly origin: 'dynamic' | 'registered'
  readonly active: boolean
  /** Epoch seconds. */
  readonly createdAt: number
  readonly lastUsedAt?: number | undefined
}

/** Clients as an operator sees them. The engine reads and writes them through `records('Client')`. */
export interface ClientStore {
  find(clientId: string): Promise<ClientRecord | undefined>
  list(options?: {
    readonly after?: string
    readonly limit?: number
  }): Promise<readonly ClientRecord[]>
  /** Counts a use, at most one write a minute and client. */
  touch(clientId: string): Promise<void>
  setActive(clientId: string, active: boolean): Promise<boolean>
  /** Removes the client and every grant and token of it. */
  remove(clientId: string): Promise<boolean>
  countDynamic(): Promise<number>
}

/** State of a signing key: published only, signing, or published until its last token has expired. */
export type SigningKeyState = 'pending' | 'active' | 'retired'

/** A signing key with its private part. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: 'ES256' | 'RS256'
  readonly state: SigningKeyState
  /** Private JWK. Never leaves the process. */
  readonly jwk: Readonly<Record<string, unknown>>
  /** Epoch seconds. */
  readonly createdAt: number
  readonly signsFrom: number
  /** Removed at this time; only of retired keys. */
  readonly removeAt?: number | undefined
}

/** Signing keys, sealed. Changes are made under a lock, so that replicas agree. */
export interface SigningKeyStore {
  list(): Promise<readonly SigningKey[]>
  /** Reads and replaces all keys under a lock that all replicas share; audited. */
  update(
    change: (keys: readonly SigningKey[]) => Promise<readonly SigningKey[]>,
  ): Promise<readonly SigningKey[]>
}

/** What is revoked: everything of a grant, one access token by `jti`, a user, a client, a signing key. */
export interface Revocation {
  readonly kind: 'grant' | 'token' | 'user' | 'client' | 'key'
  readonly id: string
  /** Epoch seconds after which no token of it can be valid. */
  readonly expiresAt: number
}

/** The list that every replica holds in memory. */
export interface RevocationStore {
  add(revocations: readonly Revocation[]): Promise<void>
  /** Reads what was added since a position, and all that is current without one. */
  read(
    after?: string,
  ): Promise<{ readonly revocations: readonly Revocation[]; readonly position: string }>
  /** Calls back within about a second of an `add` by any replica. Returns a function that ends it. */
  watch(onChange: () => void): () => void
}

/** One event for the audit trail. Never holds a credential. */
export interface AuditInput {
  /** For example `sign-in`, `consent`, `token.reuse`, `user.suspend`. */
  readonly event: string
  readonly outcome: 'done' | 'denied' | 'failed'
  readonly reason?: string | undefined
  readonly actor?:
    | { readonly issuer: string; readonly subject: string; readonly clientId?: string | undefined }
    | undefined
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** How many rows a clean-up removed. */
export interface CleanUpCounts {
  readonly tokens: number
  readonly clients: number
  readonly revocations: number
}

/** Everything that the authorization server keeps, in one schema of PostgreSQL or PGlite. */
export interface Storage {
  /**
   * Runs what follows in one transaction, also in functions called from `run`: every method of this
   * storage that is called meanwhile takes part (AsyncLocalStorage). Committed when `run` resolves, rolled
   * back when it rejects. Runs again after a serialization failure, so `run` must be repeatable.
   */
  transaction<Value>(run: () => Promise<Value>): Promise<Value>
  /** Records of one model of the engine, for example `RefreshToken`. Ids are stored as SHA-256, payloads sealed. */
  records(model: string): RecordStore
  /** Locks one record until the end of the transaction, so that parallel requests for it take turns. */
  lock(model: string, id: string): Promise<void>
  readonly users: UserStore
  readonly clients: ClientStore
  readonly signingKeys: SigningKeyStore
  readonly revocations: RevocationStore
  /** Writes to `audit_events`, in the transaction if there is one. */
  audit(event: AuditInput): Promise<void>
  /** Removes what has expired, and dynamic clients without a grant that were unused for `unusedClientDays`. */
  cleanUp(options: { readonly unusedClientDays: number }): Promise<CleanUpCounts>
  /** Rejects when the database is not usable now. */
  check(): Promise<void>
  close(): Promise<void>
}
