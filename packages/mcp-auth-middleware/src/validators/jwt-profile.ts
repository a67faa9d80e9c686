import type { JwsAlgorithm } from '../jwt/algorithms.js'
import { readAudience } from '../jwt/claims.js'
import type { KeySource } from '../jwt/key-source.js'
import { verifyJwt } from '../jwt/verify-jwt.js'
import type { Principal } from '../principal.js'
import { createJwtPolicies } from './jwt-policy.js'
import { createPrincipalReader } from './jwt-principal.js'
import { checkJwtProfile } from './jwt-profile-check.js'
import type { CredentialSelector, TokenValidator, ValidatorHost, Verdict } from './validator.js'

/** Members of a JOSE header or of a JWT payload: own properties only, values not yet judged. */
export type JwtClaims = Readonly<Record<string, unknown>>

/**
 * An issuer identifier with a variable part, such as a directory tenant. A template needs a closed
 * list of values for that part; without one it would accept every customer of the provider.
 */
export interface IssuerTemplate {
  /** Tells whether a well-formed `iss` belongs here. Cheap and pure; used for routing only. */
  readonly matches: (issuer: string) => boolean
  /**
   * The one `iss` that a token with these claims must carry, or `undefined` when its variable part
   * is malformed or not listed.
   */
  readonly expand: (payload: JwtClaims) => string | undefined
}

/** Principal members that a preset reads differently from the defaults. */
export interface PrincipalFields {
  /** Replaces the `sub` claim. Required from a profile with `subjectOptional` when `sub` is empty. */
  readonly subject?: string | undefined
  /** Default `user`. */
  readonly kind?: 'user' | 'service' | undefined
  /** Default: the `email` claim. */
  readonly email?: string | undefined
  /** Default: whether the `email_verified` claim is `true`. */
  readonly emailVerified?: boolean | undefined
  readonly name?: string | undefined
  readonly tenant?: string | undefined
  readonly grantId?: string | undefined
  readonly admittedByName?: boolean | undefined
}

/** Refusal of a token whose signature is good. */
export interface ProfileRefusal {
  readonly kind: 'rejected' | 'forbidden'
  /** Short snake_case word for the event. */
  readonly reason: string
}

/**
 * What a provider's access tokens look like. Every preset is a function from its own options to one
 * `JwtProfile`; {@link createJwtProfileValidator} does the work for all of them.
 *
 * Always checked, without a way to switch it off: the signature by an asymmetric algorithm, `iss`,
 * `exp` and its distance, `nbf`, `iat`, `sub`, `jti`, `cnf`, and one binding (`audiences` or
 * `clientIds`).
 */
export interface JwtProfile {
  /** Name of the validator, for events and health output. */
  readonly name: string
  /** Accepted `iss` values, compared character by character. Either this or `issuerTemplate`. */
  readonly issuers?: readonly string[] | undefined
  readonly issuerTemplate?: IssuerTemplate | undefined
  /**
   * Issuer of every principal, for a provider that names one directory in several ways: the same
   * person must not become two owners of credentials. Default: the token's `iss`.
   */
  readonly principalIssuer?: string | undefined
  /** Issuer strings to advertise, byte-equal to the `issuer` of their metadata. May be empty. */
  readonly authorizationServers: readonly string[]
  /** Where the keys are: one source for all issuers, or one source for each issuer. */
  readonly keys: KeySource | ((issuer: string) => KeySource)
  /** Accepted `alg` values. Symmetric algorithms do not exist here. */
  readonly algorithms: readonly JwsAlgorithm[]
  /**
   * Accepted `typ` header values, compared without case and without an `application/` prefix. With
   * `null` it may be missing, `JWT` or `at+jwt`, and then `tokenKind` has to tell the kinds apart.
   */
  readonly typ: readonly string[] | null
  /**
   * Accepted `aud` values; one of the token's must be among them. `resources` stands for the
   * identifier of the resource that the request is for. A listed value that is the identifier of
   * another resource of the same `McpAuth` counts only there. `null`: `aud` is not looked at, and
   * `clientIds` is the binding.
   */
  readonly audiences: readonly string[] | 'resources' | null
  /**
   * OAuth clients whose tokens are accepted. Beside `audiences` another client is `forbidden`; as the
   * only binding it is `rejected`.
   */
  readonly clientIds?: readonly string[] | undefined
  /** Claims that hold scopes, as a space-separated string or an array. Default `['scope']`. */
  readonly scopeClaims?: readonly string[] | undefined
  /** Claims that may name the client; the first present one counts. Default `['client_id', 'azp']`. */
  readonly clientIdClaims?: readonly string[] | undefined
  /** Claims that must be there with a value other than `null` and `''`. */
  readonly requireClaims?: readonly string[] | undefined
  /**
   * Tells API access tokens from the issuer's other tokens: a snake_case reason to refuse the token,
   * or `undefined`. Runs before the signature is checked, so it must be cheap and must not throw.
   * Default: refuses ID tokens, which are known by `nonce`, `at_hash` or `c_hash`.
   */
  readonly tokenKind?: ((header: JwtClaims, payload: JwtClaims) => string | undefined) | undefined
  /** Accepts `sub` missing or `''`; `principal` then has to supply `subject`. */
  readonly subjectOptional?: boolean | undefined
  /** Reads the caller from verified claims, or refuses it. Runs after the signature check. */
  readonly principal?: ((payload: JwtClaims) => PrincipalFields | ProfileRefusal) | undefined
  /** Scopes for tokens that carry none. They replace the token's scopes. */
  readonly grantScopes?: ((principal: Principal) => readonly string[]) | undefined
  /** Default: `granted` with `grantScopes`, `none` with an empty `scopeClaims`, else `token`. */
  readonly scopeSource?: TokenValidator['scopeSource'] | undefined
  /** Default `audience`, or `client` when `audiences` is `null`. */
  readonly resourceBinding?: TokenValidator['resourceBinding'] | undefined
  /** Allowed clock difference, in seconds. Default 10, at most 300. */
  readonly clockTolerance?: number | undefined
  /** Longest accepted time from now to `exp`, in seconds. Default and maximum 31 days. */
  readonly maxTokenLifetime?: number | undefined
  /** `rfc9068`: `typ` is `at+jwt`, and `iat`, `jti`, `client_id` are required. */
  readonly profile?: 'rfc9068' | undefined
  /**
   * Whether a key whose JWK has an `issuer` member may verify a token with these claims. Default:
   * the member is ignored, since no RFC defines it.
   */
  readonly acceptsKeyIssuer?: ((keyIssuer: string, payload: JwtClaims) => boolean) | undefined
  /**
   * Replaces the default selection by issuer, for a credential in a header of its own. The token's
   * `iss` is checked all the same.
   */
  readonly selects?: CredentialSelector | undefined
  readonly challengesAtEdge?: boolean | undefined
  /** Replaces the global `fetch` for keys and discovery. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Current time in epoch milliseconds, for the key cache. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/**
 * Creates the validator that judges tokens by one profile.
 *
 * Nothing is fetched before the first token arrives. A profile is written by a preset and not by an
 * operator, so its fields are trusted, except numbers and URLs, which may come from options.
 *
 * @throws {@link ConfigurationError} when the profile has no issuer, no binding, no algorithm, or a
 * URL or number out of range.
 */
export function createJwtProfileValidator(profile: JwtProfile): TokenValidator {
  checkJwtProfile(profile)
  const { issuers, issuerTemplate, scopeClaims, audiences } = profile
  const hosts = new Set<ValidatorHost>()
  const policies = createJwtPolicies(profile, (incident) => {
    for (const host of hosts) {
      try {
        host.report({ ...incident, validator: profile.name })
      } catch {
        // Keys are also refreshed outside of any request, where an exception would end the process.
      }
    }
  })
  const readPrincipal = createPrincipalReader(profile)

  return {
    name: profile.name,
    selects: profile.selects ?? { issuers, matchesIssuer: issuerTemplate?.matches },
    authorizationServers: profile.authorizationServers,
    scopeSource:
      profile.scopeSource ??
      (profile.grantScopes !== undefined
        ? 'granted'
        : scopeClaims?.length === 0
          ? 'none'
          : 'token'),
    resourceBinding: profile.resourceBinding ?? (audiences === null ? 'client' : 'audience'),
    challengesAtEdge: profile.challengesAtEdge,

    async validate(credential, { resource, now, isProven }): Promise<Verdict> {
      const outcome = await verifyJwt(credential, policies.for(resource), now, isProven)
      if (outcome.kind !== 'verified') return outcome
      const { issuer, claims, reuse } = outcome

      const principal = readPrincipal(issuer, claims)
      if ('reason' in principal) return principal
      const presented = audiences === null ? [] : readAudience(claims)
      const expiry = (principal.expiresAt ?? 0) * 1000
      return {
        kind: 'accepted',
        principal,
        reuse: { ...reuse, until: Math.min(expiry, reuse.until) },
        resource: Array.isArray(presented) && presented.includes(resource) ? resource : undefined,
      }
    },

    attach(host) {
      hosts.add(host)
      policies.attach(host.resources)
    },
  }
}
