/** Client metadata of RFC 7591, after parsing and normalisation. */
export interface ClientMetadata {
  readonly client_name?: string | undefined
  readonly redirect_uris: readonly string[]
  readonly grant_types: readonly string[]
  readonly response_types: readonly string[]
  readonly token_endpoint_auth_method:
    | 'none'
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
  /**
   * Set when a client ID metadata document accepts both of these (OpenID Connect RP Metadata Choices);
   * `token_endpoint_auth_method` is then `none`. A client assertion that is sent all the same is to be
   * checked against its keys.
   */
  readonly token_endpoint_auth_methods_supported?:
    | readonly ClientMetadata['token_endpoint_auth_method'][]
    | undefined
  /** `native` as soon as one redirect is loopback or has a private scheme; the engine then ignores loopback ports. */
  readonly application_type: 'web' | 'native'
  readonly client_uri?: string | undefined
  readonly logo_uri?: string | undefined
  readonly tos_uri?: string | undefined
  readonly policy_uri?: string | undefined
  readonly software_id?: string | undefined
  readonly software_version?: string | undefined
  readonly jwks_uri?: string | undefined
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined
}

/** A registration that was refused, in the words of RFC 7591 section 3.2.2. */
export interface RegistrationRefusal {
  readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  /** Names the member and the rule, never the value. */
  readonly description: string
}

/** Which redirect URIs clients may have. */
export interface RedirectPolicy {
  /**
   * Private-use schemes, as whole URIs. Default: Cursor's `cursor://anysphere.cursor-mcp/oauth/callback`
   * and what RFC 8252 section 7.1 calls reverse-domain schemes, such as `com.example.app:/cb`.
   */
  readonly privateUris?: readonly string[] | undefined
  /** Hosts that https redirects must have; `*.` in front means any subdomain. Default: any host. */
  readonly hosts?: readonly string[] | undefined
}

/** Result of checking a registration body. */
export type RegistrationResult =
  | { readonly ok: true; readonly metadata: ClientMetadata }
  | ({ readonly ok: false } & RegistrationRefusal)

/** Result of looking up a client whose id is an https URL. */
export type ClientDocumentResult =
  | { readonly kind: 'found'; readonly metadata: ClientMetadata }
  /** The document, or the id itself, is not acceptable. `reason` is a snake_case code for events. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** It could not be fetched now. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** Fetches and checks Client ID Metadata Documents. */
export interface ClientDocuments {
  /**
   * Never rejects. Parallel lookups of one id share one fetch.
   *
   * @param admit - asked right before a fetch; `false` makes the document unavailable for this call,
   *   with the reason `not_admitted`, and for nobody else.
   */
  find(clientId: string, admit?: () => Promise<boolean>): Promise<ClientDocumentResult>
  close(): void
}
