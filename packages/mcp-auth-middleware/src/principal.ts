/**
 * The verified caller. Identity is the pair (`issuer`, `subject`); `clientId` is shared by every user
 * of a client that registers by metadata document, so it never identifies a person.
 */
export interface Principal {
  /** Who vouches for the subject: the `iss` claim, or a fixed name for local strategies. */
  readonly issuer: string
  /** The `sub` claim, or the name of a service. Never empty. */
  readonly subject: string
  /** `service` for machine callers: service tokens, client credentials, named local tokens. */
  readonly kind: 'user' | 'service'
  /** OAuth client that presented the token, when the credential names one. */
  readonly clientId?: string | undefined
  /** Scopes of the credential as issued or granted, without the implied ones. */
  readonly scopes: readonly string[]
  /** End of validity in epoch seconds; absent for credentials that do not expire. */
  readonly expiresAt?: number | undefined
  /** Lower-cased e-mail address, whether verified or not. */
  readonly email?: string | undefined
  /** Whether the issuer vouches for `email`. Admission by e-mail needs `true`. */
  readonly emailVerified?: boolean | undefined
  readonly name?: string | undefined
  /** Organisation or directory tenant of the caller, when the issuer has them. */
  readonly tenant?: string | undefined
  /** The `jti` claim. */
  readonly tokenId?: string | undefined
  /** Grant that the token belongs to, when the authorization server says so. */
  readonly grantId?: string | undefined
  /**
   * The operator named exactly this caller in the configuration (a local token, an allow-listed
   * service token), so `allow`, which is about people, does not apply.
   */
  readonly admittedByName?: boolean | undefined
  /** Claims of the credential, frozen. Empty for local tokens. */
  readonly claims: Readonly<Record<string, unknown>>
}
