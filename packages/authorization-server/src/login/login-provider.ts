/** Who somebody is at an upstream. Identity is `issuer` + `subject`; the e-mail only admits. */
export interface VerifiedIdentity {
  /** Id of the login provider. */
  readonly provider: string
  /** Issuer of the identity, byte-equal to what the upstream said. */
  readonly issuer: string
  /** `sub`; for Microsoft `<tid>:<oid>`; for pasted tokens the upstream's account name. */
  readonly subject: string
  /** Normalised, and only when it may be used for admission by the rules of the provider. */
  readonly email?: string | undefined
  /** Google Workspace domain (`hd`). */
  readonly hostedDomain?: string | undefined
  /** Entra tenant id. */
  readonly tenant?: string | undefined
  readonly name?: string | undefined
  readonly picture?: string | undefined
}

/** Why a sign-in did not lead to an identity; `reason` is a snake_case code for events, never shown. */
export type LoginResult =
  | { readonly kind: 'identity'; readonly identity: VerifiedIdentity }
  /** The person or the upstream refused. */
  | { readonly kind: 'denied'; readonly reason: string }
  /** The answer is not valid: wrong state, nonce, issuer, audience, signature, time. */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string }

/** What is kept between the redirect to an upstream and its answer, sealed and used once. */
export interface RedirectState {
  readonly provider: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** A login by redirect to an OpenID provider. */
export interface RedirectLogin {
  readonly kind: 'redirect'
  /** Letters, digits and `-`; part of paths. */
  readonly id: string
  /** Shown on the button, for example `Google`. */
  readonly label: string
  /** Builds the URL to send the browser to, and what to keep until the answer. Rejects when discovery fails. */
  start(redirectUri: string): Promise<{ readonly url: URL; readonly state: RedirectState }>
  /** Verifies the answer. Never rejects. */
  finish(callbackUrl: URL, state: RedirectState): Promise<LoginResult>
}

/** What the upstream says of a pasted token. */
export interface ApiTokenAccount {
  /** The upstream's stable name of the account, for example a login id. */
  readonly subject: string
  readonly name?: string | undefined
  readonly email?: string | undefined
}

/** A login, or a connect step, by pasting a token of the upstream API. */
export interface ApiTokenLogin {
  readonly kind: 'api-token'
  readonly id: string
  /** For example `Coda API token`. */
  readonly label: string
  /** Where a person makes one. */
  readonly helpUrl?: string | undefined
  /** What one looks like, for example `36 characters`. */
  readonly hint?: string | undefined
  /** Issuer under which accounts are filed, for example `https://coda.io`. */
  readonly issuer: string
  /** Asks the upstream. `undefined`: it does not accept the token. Rejects when it cannot be asked. */
  verify(
    token: string,
    options: { readonly signal: AbortSignal },
  ): Promise<ApiTokenAccount | undefined>
}

/** A login without any proof, on loopback only. */
export interface DevLogin {
  readonly kind: 'dev'
  readonly id: string
  readonly label: string
  readonly users: readonly {
    readonly subject: string
    readonly email: string
    readonly name: string
  }[]
}

/** One way to sign in. */
export type LoginProvider = RedirectLogin | ApiTokenLogin | DevLogin

/** Whom to admit. Empty lists admit nobody. */
export interface AdmissionRules {
  /** Exact addresses. */
  readonly emails?: readonly string[] | undefined
  /** Domains of verified addresses; for Google the Workspace domain. */
  readonly domains?: readonly string[] | undefined
  /** Entra tenant ids. */
  readonly tenants?: readonly string[] | undefined
  /** Admit by invitation alone; then no list may be given. Default `false`. */
  readonly invitationsOnly?: boolean | undefined
}

/** Decides whether an identity may come in; `invited` says whether an invitation fits its e-mail. */
export type Admission = (
  identity: VerifiedIdentity,
  context: { readonly invited: boolean },
) => { readonly admitted: true } | { readonly admitted: false; readonly reason: string }
