import type { Principal } from '../principal.js'

/**
 * Decides which credentials belong to a validator. A credential is handed to exactly one validator,
 * chosen by what it is, never by trying several.
 */
export interface CredentialSelector {
  /**
   * Request header that carries the credential instead of `Authorization`, in lower case.
   * `wins`: it replaces `Authorization` when both are present; otherwise both at once are refused.
   * `cookie` names a cookie read when the header is absent.
   */
  readonly header?:
    | { readonly name: string; readonly cookie?: string | undefined; readonly wins: boolean }
    | undefined
  /** Exact `iss` values of JWTs. */
  readonly issuers?: readonly string[] | undefined
  /** For issuer templates: tells whether a well-formed `iss` belongs here. Must be cheap and pure. */
  readonly matchesIssuer?: ((issuer: string) => boolean) | undefined
  /** Prefixes of opaque tokens, for example `oat_`. The longest match wins. */
  readonly prefixes?: readonly string[] | undefined
  /** Tells by SHA-256 digest (base64url) of the token, in time independent of where it matches. */
  readonly hasDigest?: ((digest: string) => boolean) | undefined
  /** Takes tokens that are no JWT and match no prefix. At most one validator may say so. */
  readonly opaque?: boolean | undefined
}

/** What a validator is told about the request beside the credential. Never the request itself. */
export interface ValidationContext {
  /** Canonical identifier of the resource that the request is for. */
  readonly resource: string
  /** SHA-256 of the credential, base64url. */
  readonly digest: string
  /** Current time in epoch milliseconds. */
  readonly now: number
  /**
   * The guard verifies a proof of possession for this request, so a token that is bound to a key may be
   * accepted. Its `cnf` has to be among the claims of the principal. Default false.
   */
  readonly isProven?: boolean | undefined
}

/** Permission to keep an accepted verdict for a while. */
export interface VerdictReuse {
  /** Epoch milliseconds after which the credential is validated again. The cache caps it at 5 min. */
  readonly until: number
  /** Turns false when the verdict must not be reused any more, for example after a key was dropped. */
  readonly generation?: { readonly current: boolean } | undefined
}

/** Answer of a validator. A validator returns it; it does not throw for expected outcomes. */
export type Verdict =
  | {
      readonly kind: 'accepted'
      readonly principal: Principal
      /** Absent: validate again on the next request. */
      readonly reuse?: VerdictReuse | undefined
      /**
       * Identifier of the resource that the credential is bound to, when it is bound by audience.
       */
      readonly resource?: string | undefined
    }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'forbidden'; readonly reason: string }
  | {
      readonly kind: 'unavailable'
      /** Seconds until a retry can help. Clamped to 1 to 60. */
      readonly retryAfterSeconds: number
      readonly reason?: string | undefined
    }

/** One way in. Built-in strategies and custom ones implement the same interface. */
export interface TokenValidator {
  /** Short name for events and health output, for example `stytch`. */
  readonly name: string
  readonly selects: CredentialSelector
  /**
   * Issuer identifiers that clients can be sent to for a token, byte-equal to the `issuer` of their
   * metadata. Empty when this way in has no authorization server.
   */
  readonly authorizationServers: readonly string[]
  /**
   * Where scopes come from: `token` (the issuer can give more after a step-up), `granted` (fixed by
   * configuration, so a caller cannot step up) or `none`.
   */
  readonly scopeSource: 'token' | 'granted' | 'none'
  /**
   * How tokens are bound to this resource: by audience, by a client list, or not at all, which the
   * start log and the doctor report.
   */
  readonly resourceBinding: 'audience' | 'client' | 'none'
  /** Set when challenges are left to an edge in front of us for requests that carry its header. */
  readonly challengesAtEdge?: boolean | undefined
  /**
   * Judges one credential. May answer synchronously.
   *
   * Contract: never throws for a bad credential or an outage; a throw is answered 500 and audited as
   * a bug. Reasons are short snake_case words for events; they never reach the client.
   */
  validate(credential: string, context: ValidationContext): Verdict | Promise<Verdict>
  /**
   * Called synchronously on each use of a cached verdict, for revocation. Return a verdict to
   * override, or `undefined` to let it stand.
   */
  recheck?(principal: Principal, now: number): Verdict | undefined
  /** Told once when the validator becomes part of a `McpAuth`. */
  attach?(host: ValidatorHost): void
}

/** What `createMcpAuth` offers to the validators that it hosts. */
export interface ValidatorHost {
  /** Canonical identifiers of all resources, for validators whose audience defaults to them. */
  readonly resources: readonly string[]
  /** Reports an incident that is not about one request, such as an unusable key. */
  report(incident: ValidatorIncident): void
}

/** Something an operator should know. Never contains a credential. */
export interface ValidatorIncident {
  readonly kind:
    | 'keys-fetched'
    | 'keys-unavailable'
    | 'key-unusable'
    | 'issuer-misconfigured'
    | 'warning'
  readonly validator: string
  readonly issuer?: string | undefined
  /** Short snake_case reason. */
  readonly reason: string
  /** A sentence for the log; contains no secret and no control character. */
  readonly message?: string | undefined
}
