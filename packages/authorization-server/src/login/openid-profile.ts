import type { IDToken, UserInfoResponse } from 'openid-client'
import type { VerifiedIdentity } from './login-provider.js'
import type { UpstreamEndpoints } from './upstream-metadata.js'

/** A verified answer of an OpenID provider, as the rules of one upstream see it. */
export interface OpenidAnswer {
  /** Claims of the ID token; signature, issuer, audience, times and nonce are verified. */
  readonly claims: IDToken
  /** The published key that signed the ID token, when it has a `kid`. */
  readonly signingKey: Readonly<Record<string, unknown>> | undefined
  /** Asks the userinfo endpoint; its `sub` is compared. `undefined` when there is none. */
  userinfo(): Promise<UserInfoResponse | undefined>
}

/** What the rules of an upstream say of a verified answer. */
export type OpenidJudgement =
  | { readonly kind: 'identity'; readonly identity: Omit<VerifiedIdentity, 'provider'> }
  | { readonly kind: 'denied' | 'invalid'; readonly reason: string }

/** How a client names itself at a token endpoint. */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post'

/** One upstream: where it is, and which rules of its own it has. */
export interface OpenidProfile {
  readonly id: string
  readonly label: string
  /** URL before `/.well-known/openid-configuration`. */
  readonly discovery: string
  /** Issuers that the metadata may name; one with `{tenantid}` is a template of Microsoft's. */
  readonly issuers: readonly string[]
  readonly clientId: string
  readonly clientSecret: string
  readonly clientAuthentication?: ClientAuthentication | undefined
  readonly scopes: readonly string[]
  readonly authorizationParameters?: Readonly<Record<string, string>> | undefined
  readonly endpoints?: UpstreamEndpoints | undefined
  judge(answer: OpenidAnswer): OpenidJudgement | Promise<OpenidJudgement>
}
