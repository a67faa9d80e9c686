/** Whose credential it is: the server's own, or one verified caller's. */
export type CredentialOwner =
  | { readonly kind: 'service' }
  | {
      readonly kind: 'user'
      /** Who vouches for the subject. Two issuers may use the same subject for two people. */
      readonly issuer: string
      readonly subject: string
    }

/** Names one credential inside the namespace of a store. */
export interface CredentialKey {
  /** The upstream API, for example `coda`: 1 to 64 of `A-Z a-z 0-9 _ -`, not starting with `-`. */
  readonly provider: string
  readonly owner: CredentialOwner
}

/**
 * A secret for an upstream API. `secret` and `refreshToken` are not enumerable and are replaced by
 * `[redacted]` in `JSON.stringify` and `util.inspect`, so spreading or logging one leaks nothing.
 */
export interface Credential {
  readonly kind: 'api-key' | 'oauth2'
  /** The API key or the access token of the upstream API, 1 byte to 64 KiB of UTF-8. */
  readonly secret: string
  /** Only with kind `oauth2`. */
  readonly refreshToken?: string | undefined
  /** End of validity in epoch seconds; absent for credentials that do not expire. */
  readonly expiresAt?: number | undefined
  /** Scopes that the upstream API granted. */
  readonly scopes?: readonly string[] | undefined
  /** Remarks that are not secret, for example the upstream account name. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Changes on every write, also when the same value is written again. Opaque. */
  readonly version: string
  /** Time of the last write in epoch seconds. */
  readonly updatedAt: number
}

/** What is written: a {@link Credential} without the two members that the store chooses. */
export type CredentialInput = Omit<Credential, 'version' | 'updatedAt'>

/** Options of {@link TokenStore.get}. */
export interface CredentialGetOptions {
  /** Ends the wait; the promise rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
  /**
   * How many seconds ago the backend may have told what is answered; 0 asks it now. Overrides what the
   * store or its cache would remember for longer, also during an outage. Default: no such limit.
   */
  readonly maxAgeSeconds?: number | undefined
}

/** Condition of {@link TokenStore.set}. Both at once are refused. */
export type CredentialSetOptions =
  | {
      /** Writes only while this is the stored version. */
      readonly ifVersion?: string | undefined
    }
  | {
      /** Writes only where nothing is stored. */
      readonly ifAbsent: true
    }

/** Condition of {@link TokenStore.delete}. */
export interface CredentialDeleteOptions {
  /** Deletes only while this is the stored version. */
  readonly ifVersion?: string | undefined
  /** Leaves a {@link Tombstone}, also where nothing was stored. For migrations. Default false. */
  readonly tombstone?: boolean | undefined
}

/**
 * The mark of a deliberate deletion, so that a migration does not bring the credential back from the
 * store it moves away from. Invisible to `get` and `keys`.
 */
export interface Tombstone {
  /** Can be given as `ifVersion` to replace or remove this tombstone and no other write. */
  readonly version: string
  /** Epoch seconds. */
  readonly deletedAt: number
}

/** Which keys {@link TokenStore.keys} yields. */
export interface CredentialKeyFilter {
  /** Only keys of this upstream. */
  readonly provider?: string | undefined
}

/** What a store can do. What it cannot do rejects with `ERR_STORE_UNSUPPORTED`. */
export interface TokenStoreCapabilities {
  /** `set` and `delete`. */
  readonly write: boolean
  /** The conditions `ifVersion` and `ifAbsent`, decided atomically by the backend. */
  readonly compareAndSet: boolean
  /**
   * The condition `ifAbsent` alone, for backends that can create atomically but not compare versions.
   * Default: as `compareAndSet`, so that `createOnly ?? compareAndSet` tells whether a copy may use it.
   */
  readonly createOnly?: boolean | undefined
  /** `lease`, exclusive across all processes that share the backend. */
  readonly lease: boolean
  /** `delete` with `tombstone: true`, `tombstone` and `tombstones`. */
  readonly tombstone: boolean
}

/** The right to refresh one credential, held by one process at a time. Advisory: it blocks no write. */
export interface Lease {
  /** Epoch seconds after which another process may take it. */
  readonly expiresAt: number
  /** Gives it back. Idempotent; does nothing when the lease has run out or has another holder. */
  release(): Promise<void>
}

/**
 * Keeps credentials for upstream APIs. All stores keep this contract and run the suite published at
 * `@bestviable/mcp-auth-middleware/testing`.
 *
 * A store connects on first use, never logs a value, and belongs to one namespace: two stores with
 * different namespaces over one backend do not see each other's credentials. Names are data; they
 * are compared code unit by code unit and never normalised.
 *
 * Every method rejects with {@link StoreUnavailableError} when the backend does not answer in time or
 * after `close()`, and with {@link StoreInvalidError} for a key or value that no store accepts.
 */
export interface TokenStore {
  /** Short name for events and health output, for example `postgres`. */
  readonly name: string
  readonly capabilities: TokenStoreCapabilities

  /**
   * Reads one credential; `undefined` when there is none. Never throws for absence, and never answers
   * with the credential of another owner.
   *
   * @throws {@link StoreIntegrityError} when a stored value is damaged, which is not absence.
   */
  get(key: CredentialKey, options?: CredentialGetOptions): Promise<Credential | undefined>

  /**
   * Writes one credential as a whole and resolves with what is now stored. `ifVersion` writes only
   * over that version, `ifAbsent` only where nothing is stored; of parallel writers with the same
   * condition exactly one wins. A tombstone counts as stored for both conditions; a write without a
   * condition replaces it.
   *
   * @throws {@link StoreConflictError} when the condition does not hold; nothing was changed.
   * @throws {@link StoreUnsupportedError} when the store is read-only or cannot decide conditions.
   */
  set(
    key: CredentialKey,
    input: CredentialInput,
    options?: CredentialSetOptions,
  ): Promise<Credential>

  /**
   * Removes one credential and tells whether there was one. With `ifVersion` only that version is
   * removed; a key that is already absent is `false`, not a conflict. A delete without `tombstone`
   * removes a tombstone too and resolves `false` for it.
   *
   * @throws {@link StoreConflictError} when another version is stored.
   * @throws {@link StoreUnsupportedError} when the store is read-only.
   */
  delete(key: CredentialKey, options?: CredentialDeleteOptions): Promise<boolean>

  /**
   * Takes the lease of one key for `ttlSeconds` (more than 0, at most 300), or resolves `undefined`
   * while another holder has it. The key need not exist.
   *
   * @throws {@link StoreUnsupportedError} when the store has no leases.
   */
  lease?(key: CredentialKey, ttlSeconds: number): Promise<Lease | undefined>

  /**
   * Reads the tombstone of one key; `undefined` when a credential or nothing is stored.
   *
   * @throws {@link StoreUnsupportedError} when the store has no tombstones.
   */
  tombstone?(key: CredentialKey, options?: CredentialGetOptions): Promise<Tombstone | undefined>

  /** Lists the keys that have a tombstone. */
  tombstones?(filter?: CredentialKeyFilter): AsyncIterable<CredentialKey>

  /**
   * Calls back when credentials may have been changed by another process, with the SHA-256 of
   * `credentialKeyId(key)` as base64url, or with `undefined` when anything may have changed. Returns a
   * function that ends it. Changes of this process may be told too.
   */
  watch?(onChange: (keyDigest: string | undefined) => void): () => void

  /** Lists the keys of the namespace in no particular order, never values. */
  keys(filter?: CredentialKeyFilter): AsyncIterable<CredentialKey>

  /** Resolves when the backend is usable now. Changes nothing. */
  check(): Promise<void>

  /** Frees connections and timers. Idempotent. */
  close(): Promise<void>
}
