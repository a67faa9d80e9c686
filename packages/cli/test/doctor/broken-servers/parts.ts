import type { Answer, JsonObject, Received } from './exchange.js'

/** The public addresses of a site. */
export interface Urls {
  /** The MCP endpoint, as people type it. */
  readonly resource: string
  /** The authorization server, without a slash at its end. */
  readonly issuer: string
}

/** What a request is for, which decides its CORS headers. */
export type Endpoint =
  | 'mcp'
  | 'resource metadata'
  | 'server metadata'
  | 'keys'
  | 'register'
  | 'authorize'
  | 'token'
  | 'revoke'
  | 'nothing'

/** Why a request to the MCP endpoint is refused. */
export type Refusal = 'no token' | 'bad token' | 'missing scope'

/** A client as the authorization server keeps it. */
export interface Client {
  readonly id: string
  readonly redirectUris: readonly string[]
  readonly scopes: readonly string[]
  readonly authMethod: string
  readonly secret: string | undefined
  /** The token for reading and removing the registration (RFC 7592). */
  readonly managementToken: string
  readonly document: JsonObject
}

/** What a code or a refresh token stands for. */
export interface Grant {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly resource: string
}

/** A refresh token with what became of it. */
export interface RefreshToken extends Grant {
  /** The token that took its place. */
  successor?: string
  /** Whether it was shown again after its successor was used, or removed. */
  revoked: boolean
}

/** The outcome of a refresh: the refresh token to answer with, or an OAuth error. */
export type RefreshOutcome =
  | { readonly kind: 'token'; readonly value: string }
  | { readonly kind: 'error'; readonly error: string }

/** Refresh tokens by their value. */
export interface RefreshTokens {
  find(value: string): RefreshToken | undefined
  ofClient(clientId: string): readonly RefreshToken[]
  /** Stores a new token for the grant and returns its value. */
  issue(grant: Grant): string
}

/**
 * Everything in which a site can be wrong, one part each. `healthy` has all of them right, and a broken
 * server replaces one.
 */
export interface Parts {
  /** Finds the public addresses. A healthy site has them in its configuration and reads no header. */
  readonly urls: (configured: Urls, request: Received) => Urls

  // The resource server.
  /** Whether a request is let in without a look at its token. */
  readonly letsIn: (request: Received) => boolean
  readonly challenge: (urls: Urls, refusal: Refusal) => string
  readonly refuse: (challenge: string, refusal: Refusal, request: Received) => Answer
  readonly resourceMetadataPaths: (urls: Urls) => readonly string[]
  readonly resourceMetadata: (urls: Urls, path: string) => JsonObject
  /** Whether the claims of a token with a good signature are accepted. */
  readonly acceptsClaims: (urls: Urls, claims: JsonObject) => boolean

  // The authorization server.
  readonly serverMetadataPaths: (urls: Urls) => readonly string[]
  readonly serverMetadata: (urls: Urls, path: string) => JsonObject
  /** Redirect URIs to keep out of those of a registration; `undefined` refuses it. */
  readonly keptRedirectUris: (
    asked: readonly string[],
    registration: JsonObject,
  ) => readonly string[] | undefined
  /** Whether a client may be registered with these grants. */
  readonly acceptsGrants: (asked: readonly string[]) => boolean
  readonly registeredScopes: (asked: string | undefined) => readonly string[]
  readonly registration: (client: Client) => Answer
  /** Whether a client may be a document at its own address, given that document. */
  readonly acceptsClientDocument: (document: JsonObject) => boolean
  readonly matchesRedirectUri: (registered: readonly string[], asked: string) => boolean
  /** Whether the challenge of a request is enough to go on. */
  readonly acceptsCodeChallenge: (challenge: string | null, method: string | null) => boolean
  readonly verifiesCode: (challenge: string, verifier: string) => boolean
  /** Scopes of a request that are granted; `undefined` refuses it with `invalid_scope`. */
  readonly grantedScopes: (
    client: Client,
    asked: readonly string[],
  ) => readonly string[] | undefined
  /** The `iss` parameter of a redirect back to the client; `undefined` leaves it out. */
  readonly issuerParameter: (urls: Urls, outcome: 'code' | 'error') => string | undefined
  readonly claims: (urls: Urls, grant: Grant, now: number) => JsonObject
  /** What happens to earlier grants when a code is redeemed. */
  readonly startGrant: (tokens: RefreshTokens, grant: Grant) => void
  readonly tokenAnswer: (document: JsonObject) => JsonObject
  readonly refresh: (
    tokens: RefreshTokens,
    value: string,
    asked: { readonly clientId: string; readonly resource: string | undefined },
  ) => RefreshOutcome

  // All of it.
  readonly unknown: (request: Received) => Answer
  readonly preflight: (endpoint: Endpoint, request: Received) => Answer
  readonly corsHeaders: (endpoint: Endpoint) => Readonly<Record<string, string>>
  /** What a proxy in front of the site makes of an answer, or answers itself. */
  readonly proxy: (answer: Answer, request: Received, urls: Urls) => Answer
  /** What the vendor of a client answers where its document is. */
  readonly vendor: (documentUrl: string) => Answer
}

/** What a broken server replaces. */
export type Replacement = Partial<Parts>
