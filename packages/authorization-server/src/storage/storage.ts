import type { AdapterPayload } from 'oidc-provider'
import type { AuthorizationServerEventName } from './event-names.js'
import type { UserStore } from './user-profile.js'

export type {
  ChangeActor,
  UserProfile,
  UserRole,
  UserStatus,
  UserStore,
} from './user-profile.js'

/** Where the engine keeps one kind of record; the interface is that of oidc-provider. */
export interface RecordStore {
  /** Creates or replaces. `expiresIn` is in seconds; absent: never. */
  upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void>
  /**
   * Replaces the record `from`, which gets the id `id` by that. `false` when it is gone: then nothing is
   * written. At once, so that whoever removes the records of a user meets the old one or the new one.
   */
  replace(from: string, id: string, payload: AdapterPayload, expiresIn: number): Promise<boolean>
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

/** One registered client, apart from its secret. */
export interface ClientRecord {
  readonly clientId: string
  readonly clientName?: string | undefined
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly tokenEndpointAuthMethod: string
  /**
   * `dynamic`: by RFC 7591, removed when unused; `registered`: by an operator; `document`: known by its
   * metadata document and by the grants that name it, without a row.
   */
  readonly origin: 'dynamic' | 'registered' | 'document'
  readonly active: boolean
  /** Epoch seconds. */
  readonly createdAt: number
  readonly lastUsedAt?: number | undefined
}

/** Clients as an operator sees them. The engine reads and writes them through `records('Client')`. */
export interface ClientStore {
  /** Only of those that have a row. */
  find(clientId: string): Promise<ClientRecord | undefined>
  /** As `list` has it. */
  findListed(clientId: string): Promise<ClientRecord | undefined>
  /** Those that have a row, and those by their document that a grant names. */
  list(options?: {
    readonly after?: string | undefined
    readonly limit?: number | undefined
  }): Promise<readonly ClientRecord[]>
  /** Counts a use, at most one write a minute and client. */
  touch(clientId: string): Promise<void>
  setActive(clientId: string, active: boolean): Promise<boolean>
  /** Removes the client and every grant and token of it. */
  remove(clientId: string): Promise<boolean>
  countDynamic(): Promise<number>
}

/** A grant: what a user gave one app, until it ends. */
export interface GrantRecord {
  /** SHA-256 of the id of the grant, in hex: names it and is no way in. */
  readonly grantKey: string
  readonly userId?: string | undefined
  readonly clientId?: string | undefined
  readonly clientName?: string | undefined
  /** The grant of the engine. */
  readonly payload: AdapterPayload
  /** What was approved with it, as the engine keeps it. */
  readonly facts?: unknown
  /** Epoch seconds. */
  readonly createdAt: number
  /** When a token was last issued for it. */
  readonly lastUsedAt?: number | undefined
  readonly expiresAt?: number | undefined
}

/**
 * Grants with everything that hangs on them. What ends one also adds its revocation, so that its access
 * tokens end on all replicas; `expiresAt` is when the last of them would have ended, in epoch seconds.
 */
export interface GrantStore {
  find(grantKey: string): Promise<GrantRecord | undefined>
  list(options?: {
    readonly userId?: string | undefined
    readonly clientId?: string | undefined
    /** `grantKey` of the last entry of the page before. */
    readonly after?: string | undefined
    readonly limit?: number | undefined
  }): Promise<readonly GrantRecord[]>
  /**
   * Locks all records of a user until the end of the transaction. A request locks its code or token before
   * the user and the client, so who changes those comes here first, and neither waits for the other.
   */
  lockOfUser(userId: string): Promise<void>
  /** As `lockOfUser`, of a client. */
  lockOfClient(clientId: string): Promise<void>
  /** `false` when there was nothing of it. */
  revoke(grantKey: string, expiresAt: number): Promise<boolean>
  /** Ends all grants and browser sessions of a user and locks its profile. Tells how many grants. */
  revokeByUser(userId: string, expiresAt: number): Promise<number>
  /** Ends all grants of a client, and its own tokens. Tells how many grants. */
  revokeByClient(clientId: string, expiresAt: number): Promise<number>
}

/** An event of the audit trail, as it was written. */
export interface AuditTrailEntry {
  readonly id: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly event: string
  readonly outcome: string
  readonly reason?: string | undefined
  readonly actor?:
    | { readonly issuer: string; readonly subject: string; readonly clientId?: string | undefined }
    | undefined
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Names under which a person stands in the audit trail. */
export interface ForgottenNames {
  readonly actors: readonly { readonly issuer: string; readonly subject: string }[]
  /** Whole values of `details`. */
  readonly texts: readonly string[]
  /** SHA-256 of keys of credentials, base64url. */
  readonly keyDigests: readonly string[]
}

/** The audit trail of the schema. */
export interface AuditTrailStore {
  /** Newest first. */
  list(options?: {
    readonly before?: string | undefined
    readonly limit?: number | undefined
    readonly subject?: string | undefined
    readonly event?: string | undefined
  }): Promise<readonly AuditTrailEntry[]>
  /** From what the digests of a user's credentials are made: all providers, and issuers of the subject. */
  credentialNames(subject: string): Promise<{
    readonly providers: readonly string[]
    readonly issuers: readonly string[]
  }>
  /**
   * Puts a pseudonym in the place of a person and tells how many events that changed. Reads all events,
   * which may take a minute; not to be called in a transaction.
   */
  forget(names: ForgottenNames, pseudonym: string): Promise<number>
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
  /** Of a grant its `grantKey`. */
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
  readonly event: AuthorizationServerEventName
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
  /** `undefined`: the role of the connection may not remove any. */
  readonly auditEvents: number | undefined
}

/** How long a clean-up leaves what does not expire by itself, in days. */
export interface CleanUpPeriods {
  readonly unusedClientDays: number
  /** Of every event in the schema; `false` keeps them. */
  readonly auditRetentionDays: number | false
}

/** What is asked about a token, and by whom. */
export interface TokenFamily {
  /** Ids that the token may have, of which it has one at most. */
  readonly ids: readonly string[]
  /** Client that asks. */
  readonly clientId: string
}

/** Everything that the authorization server keeps, in one schema of PostgreSQL or PGlite. */
export interface Storage {
  /**
   * Runs what follows in one transaction, also in functions called from `run`: every method of this
   * storage that is called meanwhile takes part (AsyncLocalStorage). Committed when `run` resolves, rolled
   * back when it rejects. Runs again after a serialization failure, so `run` must be repeatable.
   */
  transaction<Value>(run: () => Promise<Value>): Promise<Value>
  /**
   * Runs after the commit of the transaction of the caller, not after a rollback, and at once without one.
   * Must not throw.
   */
  afterCommit(run: () => void): void
  /** Records of one model of the engine, for example `RefreshToken`. Ids are stored as SHA-256, payloads sealed. */
  records(model: string): RecordStore
  /**
   * Locks one record until the end of the transaction, so that parallel requests for it take turns. The
   * transaction then knows it without asking again, with its grant and client, with its user, which it
   * holds as `UserStore.hold` does, and with the record of the kind `modelOfUser` that has the id of its
   * user.
   */
  lock(
    model: string,
    id: string,
    options?: { readonly modelOfUser?: string | undefined },
  ): Promise<void>
  /**
   * Runs what follows with the access or refresh token that has one of some ids, with its grant and its
   * client, and with the client that asks: all as they are when this is called, read by one statement.
   * They are not asked for again until something is written, so `run` should not wait for others. In a
   * transaction it only runs.
   */
  withToken<Value>(family: TokenFamily, run: () => Promise<Value>): Promise<Value>
  /**
   * Marks a name as used until a time in epoch seconds, and tells whether it was not. At once: of parallel
   * calls, also of other processes, one is told so; who calls waits for the transaction of who was first.
   */
  useOnce(name: string, expiresAt: number): Promise<boolean>
  readonly users: UserStore
  readonly clients: ClientStore
  readonly grants: GrantStore
  readonly auditTrail: AuditTrailStore
  readonly signingKeys: SigningKeyStore
  readonly revocations: RevocationStore
  /** Writes to `audit_events`, in the transaction if there is one. */
  audit(event: AuditInput): Promise<void>
  /** Removes what has expired, dynamic clients without a grant that nobody uses, and old audit events. */
  cleanUp(periods: CleanUpPeriods): Promise<CleanUpCounts>
  /** Rejects when the database is not usable now. */
  check(): Promise<void>
  close(): Promise<void>
}
